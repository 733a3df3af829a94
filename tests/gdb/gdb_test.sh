#!/usr/bin/env bash
# gdb_test.sh PROGRAM GROVE.PY: grove ps and grove bt, on a live process and on a core file of it.
set -euo pipefail
program=$1 script=$2
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

fail() {
  printf 'FAILED: %s\n' "$*" >&2
  exit 1
}

# Without the right to trace there is nothing to test: 77 is "skipped".
look() { # OUTPUT GDB-ARGUMENT...
  local output=$1
  shift
  gdb -q -nx -batch -ex "set pagination off" -ex "set debuginfod enabled off" \
    -ex "source $script" "$@" >"$output" 2>&1 || true
}

expect() { # FILE REGEX
  grep -qE -- "$2" "$1" || { cat "$1" >&2; fail "$1 has nothing like: $2"; }
}

# The frames of one greenlet: from the line with its name up to the next one's.
frames_of() { # FILE NAME
  sed -n "/^[0-9]*:[0-9]* $2 /,/^[0-9]*:[0-9]* /p" "$1" | grep -E '^ +#' || true
}

check() { # FILE
  expect "$1" '^0 +0 +main +main '
  expect "$1" '^0 +[0-9]+ +waits-for-event +greenlet +waits in Event\.wait$'
  expect "$1" '^0 +[0-9]+ +greenlet-[0-9]+ +greenlet +waits in Queue\.get$'
  expect "$1" '^1 +[0-9]+ +greenlet-[0-9]+ +greenlet +waits in sleep$'
  frames_of "$1" waits-for-event >"$1.frames"
  expect "$1.frames" 'in innermost ?\(.*parked\.cpp:1[0-9]'
  expect "$1.frames" 'in outermost ?\('
  [ "$(grep -n innermost "$1.frames" | cut -d: -f1)" -lt "$(grep -n outermost "$1.frames" | cut -d: -f1)" ] ||
    fail "$1: the frames are out of order"
  ! grep -q '#100' "$1.frames" || fail "$1: the trace has no end"
  expect "$1" 'in takes_from ?\('
  expect "$1" 'in sleeps_elsewhere ?\('
}

look "$dir/live" -ex run -ex "grove ps" -ex "grove bt all" -ex "bt 3" --args "$program"
if grep -qiE "ptrace: operation not permitted|couldn't get registers" "$dir/live"; then
  cat "$dir/live"
  exit 77
fi
check "$dir/live"
expect "$dir/live" '^#[0-9] .*(raise|pthread_kill)' # gdb's own view is as it was

# A core of the kernel's: gdb's own generate-core-file breaks off at the guards of stacks.
(
  cd "$dir"
  ulimit -c unlimited 2>/dev/null || true
  "$program" || true
) >"$dir/run" 2>&1
core=$(find "$dir" -name 'core*' -size +0 | head -n 1)
if [ -z "$core" ]; then
  [ "$(ulimit -H -c)" = 0 ] || [[ "$(cat /proc/sys/kernel/core_pattern)" == [/\|]* ]] ||
    fail "no core file was written"
  echo "gdb: all well with the live process; this system writes no core file here"
  exit 0
fi
mv "$core" "$dir/core.file"
look "$dir/dead" -ex "grove ps" -ex "grove bt all" "$program" "$dir/core.file"
check "$dir/dead"

number=$(sed -nE 's/^0 +([0-9]+) +waits-for-event .*/\1/p' "$dir/dead")
look "$dir/one" -ex "grove bt $number" -ex "grove bt 1:1" -ex "grove bt 99999" -ex "grove bt x" \
  -ex "grove bt" "$program" "$dir/core.file"
expect "$dir/one" "^0:$number waits-for-event waits in Event.wait"
expect "$dir/one" '^1:1 greenlet-1 waits in sleep'
expect "$dir/one" 'hub 0 has no greenlet 99999'
expect "$dir/one" "'x' is no number of a greenlet"
expect "$dir/one" 'grove: whose\?'
! grep -q takes_from "$dir/one" || fail "grove bt ID shows others"

look "$dir/foreign" -ex "grove ps" /bin/true
expect "$dir/foreign" 'no symbol grove_debug_table'
echo "gdb: all well"
