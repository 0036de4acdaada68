#!/usr/bin/env bash
# Every sample: the leaking program is found out, by the right rule, on every schedule tried; its fixed
# twin never is. Usage: samples_test.sh DIRECTORY_OF_THE_PROGRAMS
set -uo pipefail
dir=$1
failed=0
found=$dir/explored.json

fail() {
  echo "FAIL: $*"
  failed=1
}

# Rules in the report of one run, sorted, in one line.
rules_of() {
  STRANDED_OPTIONS=$2 "$dir/sample_$1_leaky" 2>&1 >/dev/null |
    sed -n 's/^   rule  *\([a-z-]*\),.*/\1/p' | sort -u | tr '\n' ' '
}

# The same of each bad end that 1000 schedules come to, a line each: with its delays the explorer also
# comes to good ones.
rules_of_ends() {
  rm -f "$found"
  STRANDED_OPTIONS=explore=$found:schedules=1000:policy=$2 "$dir/sample_$1_leaky" >/dev/null 2>&1
  python3 -c '
import json, sys
begun, result = open(sys.argv[1])
ends = json.loads(result)["outcomes"]
ends = [e["findings"] for e in ends if e["findings"]]
for rules in sorted({" ".join(sorted({f["rule"] for f in findings})) for findings in ends}):
    print(rules, "")
' "$found"
}

check() {
  local name=$1
  shift
  local expected="$* " got
  for seed in $(seq 1 "${SEEDS:-10}"); do
    got=$(rules_of "$name" "schedule=controlled:seed=$seed")
    [ "$got" = "$expected" ] || { fail "$name leaky, seed $seed: expected '$expected', got '$got'"; break; }
  done
  for policy in random pct; do
    got=$(rules_of_ends "$name" $policy)
    [ "$got" = "$expected" ] || fail "$name leaky, $policy: expected '$expected', got '$got'"
  done
  STRANDED_OPTIONS=schedule=controlled:seed=1:runs=200 "$dir/sample_${name}_fixed" >/dev/null 2>"$dir/twin.log" ||
    { fail "$name fixed, controlled:"; cat "$dir/twin.log"; }
  for workers in 1 2 4; do
    got=$(rules_of "$name" "schedule=threads:workers=$workers")
    [ "$got" = "$expected" ] || fail "$name leaky, $workers workers: expected '$expected', got '$got'"
    for _ in $(seq 1 "${REPEATS:-10}"); do
      STRANDED_OPTIONS=schedule=threads:workers=$workers "$dir/sample_${name}_fixed" >/dev/null 2>"$dir/twin.log" ||
        { fail "$name fixed, $workers workers:"; cat "$dir/twin.log"; break; }
    done
  done
  echo "$name: $expected"
}

# One that leaks in few runs: the explorer finds it, and never in its fixed twin.
check_rare() {
  local name=$1 rule=$2 got
  rm -f "$found"
  STRANDED_OPTIONS=explore=$found:schedules=1000:first=1 "$dir/sample_${name}_leaky" >/dev/null 2>&1 &&
    fail "$name leaky: not found in 1000 schedules"
  grep -q "\"rule\":\"$rule\"" "$found" || fail "$name leaky: no $rule"
  STRANDED_OPTIONS=explore=$found:schedules=10000 "$dir/sample_${name}_fixed" >/dev/null 2>&1 ||
    fail "$name fixed: found something in 10000 schedules"
  for workers in 1 2 4; do
    for _ in $(seq 1 "${REPEATS:-10}"); do
      STRANDED_OPTIONS=schedule=threads:workers=$workers "$dir/sample_${name}_fixed" >/dev/null 2>"$dir/twin.log" ||
        { fail "$name fixed, $workers workers:"; cat "$dir/twin.log"; break; }
    done
  done
  echo "$name: $rule, in some schedules"
}

check first_answer cancelled-send
check nested_contexts cancelled-send
check pipeline unclosed-channel
check worker_pool unclosed-channel
check lost_cancel abandoned-recv lost-cancel
check lock_across_send lock-chan-cycle
check fan_in cancelled-send
check retry_loop outlived-scope
check_rare flaky_leak cancelled-send

# Negative control: a sample that is not in the list above would go unchecked.
for program in "$dir"/sample_*_leaky; do
  name=$(basename "$program" _leaky)
  grep -qE "^check(_rare)? ${name#sample_} " "$0" || fail "${name#sample_} has no line in $0"
done
exit $failed
