#!/usr/bin/env bash
# tidy.sh BUILD JOBS: clang-tidy over the sources that changed since the merge base with
# origin/main, or over all library sources when there is nothing to compare with. A changed header
# counts as a change of every source of its library. What passed before is not looked at again.
set -euo pipefail
build=$1 jobs=$2
cache=build/tidy
mkdir -p "$cache"

all() { git ls-files --cached --others --exclude-standard -- \
  'hub/src/*.cpp' 'actors/src/*.cpp' 'zmq/src/*.cpp' 'net/src/*.cpp' 'net/*/src/*.cpp'; }

changed() {
  local base
  base=$(git merge-base HEAD origin/main 2>/dev/null) || return 0
  git diff --name-only --diff-filter=d "$base" -- '*.cpp' '*.hpp'
  git ls-files --others --exclude-standard -- '*.cpp' '*.hpp'
}

select_files() {
  local list
  list=$(changed)
  if [ -z "$list" ]; then
    all
    return
  fi
  local file
  while read -r file; do
    case $file in
    tests/package/* | tests/compile_fail/* | tests/fuzz/* | bench/peers/*) ;;
    *.cpp) echo "$file" ;;
    *.hpp) all | grep "^${file%%/*}/" || true ;;
    esac
  done <<<"$list"
}

# The key of a pass: everything that the answer may depend on within this tree.
common=$({ clang-tidy --version; cat .clang-tidy CMakePresets.json; git ls-files --cached --others \
  --exclude-standard -- '*.hpp' | while read -r header; do cat "$header" 2>/dev/null || true; done; } |
  sha256sum)

one() {
  local file=$1 key
  [ -e "$file" ] || return 0
  key=$cache/$({ echo "$common $file"; cat "$file"; } | sha256sum | cut -c1-40)
  if [ -e "$key" ]; then return 0; fi
  if clang-tidy -p "$build" --quiet "$file" >"$key.out" 2>"$key.err"; then
    echo "ok   $file"
    touch "$key"
  else
    { grep -hE 'warning:|error:' "$key.out" "$key.err" || cat "$key.out" "$key.err"; } | sort -u
    echo "BAD  $file"
    rm -f "$key.out" "$key.err"
    return 1
  fi
  rm -f "$key.out" "$key.err"
}
export -f one
export build cache common

select_files | sort -u | xargs -r -P "$jobs" -I{} bash -c 'one {}'
