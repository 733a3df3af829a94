#!/usr/bin/env bash
# compile_fail.sh FILE COMPILER FLAG...: FILE must not compile, and the compiler's words must match
# the extended regular expression of its first line, "// expect: REGEX".
set -u
file=$1 compiler=$2
shift 2
expect=$(sed -n '1s|^// expect: *||p' "$file")
[ -n "$expect" ] || { echo "$file: the first line is not '// expect: REGEX'"; exit 1; }
if said=$("$compiler" "$@" -fsyntax-only "$file" 2>&1); then
  echo "$file compiles, but should fail with: $expect"
  exit 1
fi
if grep -qE -- "$expect" <<<"$said"; then exit 0; fi
printf '%s\n' "$said"
echo "$file fails to compile, but nothing above matches: $expect"
exit 1
