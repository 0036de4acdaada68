#!/usr/bin/env bash
# The action's inputs, which come as variables, as options of the gate; its exit code as an output.
set -euo pipefail
args=(--summary "$GITHUB_STEP_SUMMARY" --at-least "$AT_LEAST" --fail-on "$FAIL_ON"
  --source-root "$SOURCE_ROOT")
if [ -n "$DUMPS" ]; then args+=(--dumps "$DUMPS"); fi
if [ -n "$BASELINE" ]; then args+=(--baseline "$BASELINE"); fi
if [ -n "$SUPPRESSIONS" ]; then args+=(--suppressions "$SUPPRESSIONS"); fi
if [ -n "$SARIF" ]; then args+=(--sarif "$SARIF"); fi
if [ -n "$JUNIT" ]; then args+=(--junit "$JUNIT"); fi
if [ "$STRICT" = true ]; then args+=(--strict-baseline); fi
if [ -n "$COMMAND" ]; then args+=(-- bash -eo pipefail -c "$COMMAND"); fi

code=0
bash "$ACTION_PATH/../gate.sh" "${args[@]}" || code=$?
case $code in
  0) result=passed ;;
  1) result=failed ;;
  3) result=vacuous ;;
  *) result=error ;;
esac
echo "result=$result" >>"$GITHUB_OUTPUT"
exit "$code"
