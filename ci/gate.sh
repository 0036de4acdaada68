#!/usr/bin/env bash
# The leak gate of a CI job: runs a command, collects the dumps it leaves, and judges them.
# It cannot pass vacuously: no dump, an unreadable dump, or a gate that misses a planted leak fail.
set -euo pipefail

usage() {
  cat <<'TEXT'
usage: gate.sh [OPTIONS] [-- CMD...]

With a command, its programs write their dumps into a fresh folder and those are judged. Without one,
the dumps given by --dumps are.

  --dumps GLOB          judge these (default with a command: all in its folder)
  --at-least N          fewer dumps than this are exit 3 (default 1)
  --keep-dumps DIR      the command's dumps go there and stay, for report, tasks and show; DIR must hold
                        no dumps yet
  --baseline FILE       known findings; one that does not exist yet counts as empty
  --create-baseline     write it anew from these dumps, instead of judging them: exit 0, no reports
  --update-baseline     the same, but only add what is new and renew what has expired
  --reason TEXT         noted with entries that are added
  --expires DATE        YYYY-MM-DD: entries that are added are known until then
  --suppressions FILE
  --fail-on WHICH       new (default), all or never
  --strict-baseline     stale and expired entries fail, too
  --source-root DIR     paths are relative to it (default .)
  --sarif FILE          reports beside the verdict
  --junit FILE
  --codequality FILE    GitLab's
  --summary FILE        Markdown, appended
  --result FILE         one word: passed, failed (findings, or the command failed), vacuous (exit 3 that is
                        not the command's) or error
  --stranded PROGRAM    default: $STRANDED, else the one installed with this script, else from PATH
  --no-self-test        do not plant a leak first

Exit codes: 0 passed, 1 findings, 2 usage, 3 no dump, an unreadable one, or part of it lost and nothing new
in the rest, 4 the gate itself is broken or a report could not be written; else the command's own.
TEXT
}

say() { printf 'gate: %s\n' "$*" >&2; }

# Installed, it has a program of its own.
own=$(dirname -- "$(readlink -f -- "$0")")
case $own in
  */share/stranded/ci) own=${own%/share/stranded/ci}/bin/stranded ;;
  *) own='' ;;
esac
if [ ! -x "$own" ]; then own=stranded; fi

stranded=${STRANDED:-$own} dumps='' at_least=1 baseline='' suppressions='' fail_on=new strict=''
root=. sarif='' junit='' codequality='' summary='' result_file='' self_test=yes keep='' change=()

work='' result=error
finish() {
  if [ -n "$result_file" ]; then echo "$result" >"$result_file"; fi
  if [ -n "$work" ]; then rm -rf "$work"; fi
}
trap finish EXIT

while [ $# -gt 0 ] && [ "$1" != -- ]; do
  case $1 in
    --strict-baseline) strict=yes; shift; continue ;;
    --no-self-test) self_test=; shift; continue ;;
    --create-baseline | --update-baseline) change+=("$1"); shift; continue ;;
    --help | -h) usage; exit 0 ;;
  esac
  [ $# -ge 2 ] || { say "$1: no such option, or its value is missing"; usage >&2; exit 2; }
  case $1 in
    --dumps) dumps=$2 ;;
    --at-least) at_least=$2 ;;
    --keep-dumps) keep=$2 ;;
    --baseline) baseline=$2 ;;
    --reason | --expires) change+=("$1" "$2") ;;
    --suppressions) suppressions=$2 ;;
    --fail-on) fail_on=$2 ;;
    --source-root) root=$2 ;;
    --sarif) sarif=$2 ;;
    --junit) junit=$2 ;;
    --codequality) codequality=$2 ;;
    --summary) summary=$2 ;;
    --result) result_file=$2 ;;
    --stranded) stranded=$2 ;;
    *) say "no option '$1'"; usage >&2; exit 2 ;;
  esac
  shift 2
done
if [ "${1-}" = -- ]; then shift; fi
case $at_least in
  '' | 0 | *[!0-9]* | ??????????*)
    say "--at-least needs a number from 1 on, not '$at_least'"
    exit 2
    ;;
esac
if [ $# -eq 0 ] && [ -z "$dumps" ]; then
  say "nothing to judge: give --dumps GLOB, or a command after --"
  exit 2
fi
if [ ${#change[@]} -gt 0 ] && [ -z "$baseline" ]; then
  say "${change[0]} needs --baseline"
  exit 2
fi
if [ -n "$keep" ] && [ $# -eq 0 ]; then
  say "--keep-dumps is for the dumps of a command; there is none"
  exit 2
fi
command -v "$stranded" >/dev/null || { say "'$stranded' is not there; give --stranded"; exit 4; }

# Programs are told of the folder in STRANDED_OPTIONS, where a colon would end it, and may run in others.
temporary=$(cd "${TMPDIR:-/tmp}" && pwd) || temporary=/tmp
case $temporary in *:*) temporary=/tmp ;; esac
work=$(mktemp -d "$temporary/stranded-gate.XXXXXX") || { say "no folder can be made in $temporary"; exit 4; }

shopt -s nullglob  # globs that match nothing vanish
folder=$work/dumps
if [ -n "$keep" ]; then
  mkdir -p -- "$keep" || { say "no folder can be made of '$keep'"; exit 4; }
  folder=$(cd -- "$keep" && pwd)
  case $folder in *:*) say "--keep-dumps: a path with a colon cannot be told to programs: $folder"; exit 2 ;; esac
  # They would be judged, too.
  there=("$folder"/*.strd)
  if [ ${#there[@]} -gt 0 ]; then
    say "--keep-dumps: '$keep' has dumps of another run; remove them, or name another folder"
    exit 2
  fi
else
  mkdir "$folder"
fi

# Has this gate ever failed? It must on a leak that is planted for it.
if [ -n "$self_test" ]; then
  code=0
  GITHUB_ACTIONS='' STRANDED_OPTIONS='' "$stranded" gate --self-test >"$work/self-test" 2>&1 || code=$?
  if [ "$code" != 1 ]; then
    cat "$work/self-test" >&2
    say "the planted leak was not caught (exit $code): this gate would pass anything"
    exit 4
  fi
fi

command_code=0
if [ $# -gt 0 ]; then
  # Programs with findings exit as they would without: the gate decides what is known.
  STRANDED_OPTIONS="${STRANDED_OPTIONS:+$STRANDED_OPTIONS:}dump=$folder/%p.strd:exitcode=0" \
    "$@" || command_code=$?
fi

if [ -n "$dumps" ]; then
  # Word splitting is wanted: --dumps may hold several globs.
  # shellcheck disable=SC2206
  files=($dumps)
else
  files=("$folder"/*.strd)
fi
count="${#files[@]} dumps"
if [ "$count" = '1 dumps' ]; then count='1 dump'; fi
if [ ${#files[@]} -lt "$at_least" ]; then
  say "$count, at least $at_least expected: nothing can be said, so this is no pass." \
    "Does the program link the Stranded runtime and use it? Did it end before it could write its dump?"
  [ "$command_code" = 0 ] || say "the command ended with $command_code"
  result=vacuous
  exit 3
fi

args=(--source-root "$root")
if [ -n "$suppressions" ]; then args+=(--suppressions "$suppressions"); fi
if [ ${#change[@]} -gt 0 ]; then
  # There is nothing to add to yet.
  if [ ! -e "$baseline" ]; then change=("${change[@]/#--update-baseline/--create-baseline}"); fi
  args+=(--baseline "$baseline" "${change[@]}")
else
  args+=(--format text --fail-on "$fail_on")
  if [ "${GITHUB_ACTIONS-}" = true ]; then args+=(--format github); fi
  if [ -n "$sarif" ]; then args+=(--format "sarif:$sarif"); fi
  if [ -n "$junit" ]; then args+=(--format "junit:$junit"); fi
  if [ -n "$codequality" ]; then args+=(--format "gitlab:$codequality"); fi
  if [ -n "$summary" ]; then args+=(--format "markdown:$work/summary.md"); fi
  if [ -n "$baseline" ] && [ -e "$baseline" ]; then args+=(--baseline "$baseline"); fi
  if [ -n "$strict" ]; then args+=(--strict-baseline); fi
fi
code=0
"$stranded" gate "${args[@]}" "${files[@]}" >"$work/out" || code=$?
cat "$work/out"
if [ -n "$summary" ]; then
  {
    if [ -e "$work/summary.md" ]; then cat "$work/summary.md"; fi
    printf '\n%s, from %s.\n' "$(tail -n 1 "$work/out")" "$count"
  } >>"$summary"
fi
case $code in
  0) result=passed ;;
  1) result=failed ;;
  3) result=vacuous ;;
esac
if [ "$code" = 0 ] && [ "$command_code" != 0 ]; then
  result=failed
  if [ ${#change[@]} -gt 0 ]; then what='the baseline is written'; else what='no new leak'; fi
  say "$what, but the command ended with $command_code"
  code=$command_code
fi
if [ "$code" != 0 ] && [ "$result" != error ] && [ -z "$dumps$keep" ]; then
  say "the dumps are removed now; --keep-dumps DIR keeps them, for stranded report, tasks and show"
fi
exit "$code"
