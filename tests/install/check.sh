#!/usr/bin/env bash
# Installs the package, then builds and runs a project outside the tree against it, and the samples.
# Usage: check.sh BUILD_DIR SOURCE_DIR CXX
set -euo pipefail
build=$1 source=$2 cxx=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cmake --install "$build" --prefix "$work/prefix" >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
if grep -rIl "$build\|$source" "$work/prefix/lib" "$work/prefix/include" 2>/dev/null | grep .; then
  echo "the installed package names the build machine's directories" >&2
  exit 1
fi

cp -r "$source/tests/install/project" "$work/project"
cmake -S "$work/project" -B "$work/project/build" -G Ninja -DCMAKE_CXX_COMPILER="$cxx" \
  -DCMAKE_PREFIX_PATH="$work/prefix" >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
cmake --build "$work/project/build" >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }

"$work/project/build/clean_test"
if "$work/project/build/leaky_test" >"$work/leaky.txt" 2>&1; then
  echo "negative control: a leaking test passed under the installed package" >&2
  exit 1
fi
grep -q "cancelled-send" "$work/leaky.txt"
grep -q "leaky_test.cc:" "$work/leaky.txt"

cp -r "$source/samples" "$work/samples"
cmake -S "$work/samples" -B "$work/samples/build" -G Ninja -DCMAKE_CXX_COMPILER="$cxx" \
  -DCMAKE_PREFIX_PATH="$work/prefix" >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
cmake --build "$work/samples/build" >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
set +e
"$work/samples/build/sample_first_answer_leaky" 2>"$work/report.txt"; leaky=$?
"$work/samples/build/sample_first_answer_fixed" 2>/dev/null; fixed=$?
set -e
[ "$leaky" = 86 ] && [ "$fixed" = 0 ] || { echo "samples: leaky $leaky, fixed $fixed"; exit 1; }
"$work/prefix/bin/stranded" explain cancelled-send >/dev/null
for file in share/man/man1/stranded.1 share/bash-completion/completions/stranded \
  share/zsh/site-functions/_stranded share/fish/vendor_completions.d/stranded.fish; do
  [ -s "$work/prefix/$file" ] || { echo "not installed: $file" >&2; exit 1; }
done
"$work/prefix/share/stranded/ci/gate.sh" --stranded "$work/prefix/bin/stranded" -- \
  "$work/samples/build/sample_first_answer_fixed" >/dev/null 2>&1 ||
  { echo "the installed gate.sh fails on a clean program" >&2; exit 1; }
echo "installed package works from outside"
