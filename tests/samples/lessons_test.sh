#!/usr/bin/env bash
# lessons_test.sh SAMPLES: what the transcripts do not show of the tutorial programs: --speed, and
# the refusal of what is wrong.
set -euo pipefail
samples=$1
transcripts=$(dirname "$(readlink -f "$0")")/../transcripts
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
  echo "FAILED: $*"
  exit 1
}

# Each with the seconds that it waits without --speed.
for timed in 01_generator:3 06_spawn:2 07_subclass:3 10_timeout:10 14_event:3 15_async_result:3; do
  lesson=${timed%:*}
  least=$((${timed#*:} * 1000 / 30))
  program=$samples/tutorial/$lesson
  begin=$(date +%s%N)
  "$program" --speed 30 | cmp - "$transcripts/$lesson.txt" || fail "$lesson --speed 30"
  took=$((($(date +%s%N) - begin) / 1000000))
  ((took >= least)) || fail "$lesson --speed 30 took only $took ms"
  ((took < 25 * least)) || fail "$lesson --speed 30 took $took ms"

  for wrong in "--bogus" "--speed 0" "--speed x" "--speed -1"; do
    status=0
    # shellcheck disable=SC2086 # two words
    "$program" $wrong >"$work/out" 2>"$work/err" || status=$?
    [[ $status = [12] ]] || fail "$lesson $wrong: status $status"
    grep -q -e "${wrong%% *}" "$work/err" || fail "$lesson $wrong: $(cat "$work/err")"
    [ ! -s "$work/out" ] || fail "$lesson $wrong: it ran"
  done
done
