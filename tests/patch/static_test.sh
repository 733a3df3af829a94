#!/usr/bin/env bash
# static_test.sh SOURCE HUB_LIBRARY WORK CXX [OPTION...]: a static program, linked as docs/patching.md says.
set -euo pipefail
source=$1 hub=$2 work=$3
shift 3
for library in libboost_context.a libfmt.a; do
  if [ "$("$1" "-print-file-name=$library")" = "$library" ]; then
    echo "skipped: there is no $library"
    exit 77
  fi
done
wrapped=$(sed 's/.*--wrap=//' "$source/net/patch/wrap.options" | sort)
hooked=$(sed -nE 's/^ +X\((\w+)\).*/\1/p' "$source/net/patch/src/calls.hpp" | sort)
[ "$wrapped" = "$hooked" ] || { echo "net/patch/wrap.options is not what is hooked" && exit 1; }
mkdir -p "$work"
mapfile -t sources < <(ls "$source"/net/patch/src/*.cpp | grep -v switched_off)
# The linker tells that lookups of a static glibc need its shared one.
"$@" -std=c++20 -O1 -w -static -DGROVE_PATCH_WRAP=1 "-I$source/hub/include" "-I$source/net/patch/include" \
  "-I$source/net/patch/src" "${sources[@]}" "$source/tests/patch/static_main.cpp" "@$source/net/patch/wrap.options" \
  "$hub" -lboost_context -lfmt -lpthread -o "$work/static_main" 2>"$work/linker.txt" ||
  { grep -v 'warning: Using' "$work/linker.txt" && exit 1; }
"$work/static_main"
