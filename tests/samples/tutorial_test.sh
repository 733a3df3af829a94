#!/usr/bin/env bash
# tutorial_test.sh SAMPLES: the lessons whose output depends on chance, on a signal or on the clock.
set -euo pipefail
lessons=$1/tutorial
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
  echo "FAILED: $*"
  [ ! -e "$work/out" ] || cat "$work/out"
  exit 1
}

runs() { # LESSON: its output is in $work/out
  timeout 60 "$lessons/$1" >"$work/out" 2>"$work/err" || fail "$1: status $?: $(cat "$work/err")"
}

# 03: nobody waits for anybody else: the order of the lines tells. Each poll lasts as long as it says
# (its figures are rounded to tenths), on a busy machine longer.
runs 03_select
sed -E 's/ at [0-9]+\.[0-9] seconds$//' "$work/out" | cmp - <(
  echo "Started Polling:"
  echo "Started Polling:"
  echo "Hey lets do some stuff while the greenlets poll,"
  echo "Ended Polling:"
  echo "Ended Polling:"
) || fail "03_select"
mapfile -t tenths < <(sed -E 's/.* at ([0-9]+)\.([0-9]) seconds$/\1\2/; s/^0(.)/\1/' "$work/out")
for i in 1 2 3 4; do
  ((tenths[i - 1] <= tenths[i])) || fail "03_select: time runs backwards"
done
((tenths[3] - tenths[0] >= 9)) || fail "03_select: the poll of one second is over too soon"
((tenths[4] - tenths[1] >= 19)) || fail "03_select: the poll of two seconds is over too soon"

# 04: the second block in the order of chance: soon another one than that of the numbers.
order=01234
for ((run = 0; run < 100; ++run)); do
  runs 04_sync_async
  numbers=$(sed -nE 's/^Task ([0-4]) done$/\1/p' "$work/out" | tr -d '\n')
  [ "$(sed -n '1p;7p' "$work/out" | tr '\n' ' ')" = "Synchronous: Asynchronous: " ] ||
    fail "04_sync_async: its headings"
  [ "$(wc -l <"$work/out")" = 12 ] || fail "04_sync_async: how many lines"
  [ "${numbers:0:5}" = 01234 ] || fail "04_sync_async: the first block"
  [ "$(fold -w1 <<<"${numbers:5}" | sort | tr -d '\n')" = 01234 ] ||
    fail "04_sync_async: the second block"
  order=${numbers:5}
  if [ "$order" != 01234 ]; then break; fi
done
[ "$order" != 01234 ] || fail "04_sync_async: always in the order of the numbers"

# 05: of the threads nothing is known.
for _ in 1 2 3 4 5 6 7 8 9 10; do
  runs 05_determinism
  [[ $(head -n 1 "$work/out") =~ ^(True|False)$ ]] || fail "05_determinism: threads"
  [ "$(tail -n +2 "$work/out")" = True ] || fail "05_determinism: greenlets"
done

# 09: SIGQUIT once the program is ready for it (the third bit of the signals that it handles).
"$lessons/09_sigquit" >"$work/out" 2>&1 &
program=$!
handles() {
  local caught
  caught=$(sed -n 's/^SigCgt:\t//p' "/proc/$program/status") && ((16#${caught:-0} & 4))
}
until handles; do kill -0 $program || fail "09_sigquit: it ended by itself"; done
kill -QUIT $program
status=0
wait $program || status=$?
[ $status = 0 ] || fail "09_sigquit: status $status"
[ ! -s "$work/out" ] || fail "09_sigquit: it says something"

# 11: its own exception, out of main.
status=0
"$lessons/11_too_long" --speed 50 >"$work/out" 2>"$work/err" || status=$?
[ $status = 1 ] || fail "11_too_long: status $status"
[ ! -s "$work/out" ] || fail "11_too_long: it says something"
grep -q TooLong "$work/err" || fail "11_too_long: on stderr: $(cat "$work/err")"

# 23: the greenlet runs while the child does: five or six times, on a busy machine less.
runs 23_subprocess
[ "$(tail -n 1 "$work/out")" = "$(uname)" ] || fail "23_subprocess: the child's word"
[ "$(head -n -1 "$work/out" | sort -u)" = cron ] || fail "23_subprocess"
(($(wc -l <"$work/out") > 2)) || fail "23_subprocess: nobody ran meanwhile"
