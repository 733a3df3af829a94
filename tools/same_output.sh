#!/usr/bin/env bash
# same_output.sh FILE COMMAND...: the command ends with 0 and its standard output is FILE, byte for
# byte.
set -u
want=$1
shift
got=$(mktemp)
trap 'rm -f "$got"' EXIT
"$@" >"$got" </dev/null
status=$?
if ! cmp -s "$want" "$got"; then
  diff -u --label expected --label printed "$want" "$got" | head -n 40
  echo "the output of $1 is not that of ${want##*/}"
  exit 1
fi
[ "$status" = 0 ] || { echo "$1 ended with status $status"; exit 1; }
