#!/usr/bin/env bash
# The action's inputs, which come as variables, as options of the gate; what it says as an output.
set -euo pipefail
verdict=$(mktemp)
trap 'rm -f "$verdict"' EXIT
args=(--result "$verdict" --summary "$GITHUB_STEP_SUMMARY" --at-least "$AT_LEAST" --fail-on "$FAIL_ON"
  --source-root "$SOURCE_ROOT")
if [ -n "$DUMPS" ]; then args+=(--dumps "$DUMPS"); fi
if [ -n "$KEEP_DUMPS" ]; then args+=(--keep-dumps "$KEEP_DUMPS"); fi
if [ -n "$BASELINE" ]; then args+=(--baseline "$BASELINE"); fi
if [ -n "$SUPPRESSIONS" ]; then args+=(--suppressions "$SUPPRESSIONS"); fi
if [ -n "$SARIF" ]; then args+=(--sarif "$SARIF"); fi
if [ -n "$JUNIT" ]; then args+=(--junit "$JUNIT"); fi
if [ "$STRICT" = true ]; then args+=(--strict-baseline); fi
if [ -n "$COMMAND" ]; then args+=(-- bash -eo pipefail -c "$COMMAND"); fi

code=0
bash "$ACTION_PATH/../gate.sh" "${args[@]}" || code=$?
# The exit code may be the command's own: it does not tell.
result=$(cat "$verdict")
echo "result=${result:-error}" >>"$GITHUB_OUTPUT"
exit "$code"
