#!/usr/bin/env bash
# run.sh FILE.cc COMPILER [flags...]: passes when FILE.cc compiles without MUST_NOT_COMPILE, and
# with it fails with the text of its line "// expected: ...", so that it fails for that reason.
set -euo pipefail
file=$1
shift

expected=$(sed -n 's|^// expected: ||p' "$file")
if [[ -z "$expected" ]]; then
  echo "$file: has no line '// expected: ...'"
  exit 1
fi
if ! "$@" -fsyntax-only "$file"; then
  echo "$file: must compile without MUST_NOT_COMPILE"
  exit 1
fi
if output=$("$@" -fsyntax-only -DMUST_NOT_COMPILE "$file" 2>&1); then
  echo "$file: compiles, and must not"
  exit 1
fi
if ! grep --quiet --extended-regexp -- "$expected" <<<"$output"; then
  echo "$file: expected an error with '$expected', got:"
  echo "$output"
  exit 1
fi
