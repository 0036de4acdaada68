#!/usr/bin/env bash
# bundle_test.sh DIR: the report page's sources are sound, and the committed bundle is theirs.
set -eu
cd "$1"
[ -d node_modules ] || { echo "its npm packages are not here: ./run setup installs them" >&2; exit 1; }
if grep -n '"resolved"' package-lock.json; then
  echo "package-lock.json names the hosts of a registry" >&2
  exit 1
fi
node node_modules/typescript/bin/tsc --noEmit
node build.mjs --check
