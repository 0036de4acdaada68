#!/usr/bin/env bash
# A repository's life with the gate: a leak is found, taken as known, a new one is caught, and a run
# that says nothing does not pass. Usage: try.sh SERVICE [STRANDED]
set -euo pipefail
service=$(realpath "$1")
STRANDED=${2:-stranded}
case $STRANDED in */*) STRANDED=$(realpath "$STRANDED") ;; esac
export STRANDED
gate=$(realpath "$(dirname "$0")/../gate.sh")
repository=$(mktemp -d)
trap 'rm -rf "$repository"' EXIT
cd "$repository"
wrong=0

# step EXPECTED-EXIT TITLE COMMAND...
step() {
  local expected=$1 title=$2 code=0
  shift 2
  "$@" >log 2>&1 || code=$?
  printf '%-62s exit %d\n' "$title" "$code"
  if [ "$code" != "$expected" ]; then
    cat log
    echo "  expected exit $expected"
    wrong=1
  fi
}

step 1 "a leak, no baseline yet" "$gate" -- "$service"
step 0 "the team takes it as known, with a reason and a date" \
  "$gate" --baseline .stranded.json --create-baseline --reason "one a day, see #12" \
  --expires 2999-12-31 --keep-dumps known -- "$service"
step 0 "the same leak again" "$gate" --baseline .stranded.json -- "$service"
step 1 "a pull request brings another" "$gate" --baseline .stranded.json -- "$service" --new-leak
if ! grep -q '"news"' log || grep -q '"rate"' log; then
  echo "  only the new one should be named"
  wrong=1
fi
step 1 "known ones count, too: --fail-on all" "$gate" --baseline .stranded.json --fail-on all -- "$service"
step 3 "the program never starts the runtime" "$gate" --baseline .stranded.json -- "$service" --idle
step 3 "no program at all wrote a dump" "$gate" --baseline .stranded.json -- true
step 3 "no file matches --dumps" "$gate" --baseline .stranded.json --dumps 'nowhere/*.strd'
echo "this is no dump" >broken.strd
step 3 "the dump is unreadable" "$gate" --baseline .stranded.json --dumps broken.strd
head -c 700 known/*.strd >cut.strd
step 3 "half of the dump is lost" "$gate" --baseline .stranded.json --dumps cut.strd
exit $wrong
