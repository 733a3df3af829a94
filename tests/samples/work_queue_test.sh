#!/usr/bin/env bash
# work_queue_test.sh SAMPLES: each policy accounts for each job, and none is faster than the rate; in
# simulated time the same seed does the same.
set -euo pipefail
work_queue=$1/work_queue

fail() {
  echo "FAILED: $*"
  exit 1
}

runs() { # OPTION...: -> out, offered, done, refused, dropped, ms, held
  out=$(timeout 100 "$work_queue" "$@" 2>&1) || fail "$*: status $?: $out"
  local first='([0-9]+) jobs offered: ([0-9]+) done, ([0-9]+) refused, ([0-9]+) dropped'
  local second='in ([0-9]+) ms, producers were held back for ([0-9]+) ms'
  [[ $out =~ ^$first$'\n'$second$ ]] || fail "$*: it says: $out"
  offered=${BASH_REMATCH[1]} done=${BASH_REMATCH[2]} refused=${BASH_REMATCH[3]}
  dropped=${BASH_REMATCH[4]} ms=${BASH_REMATCH[5]} held=${BASH_REMATCH[6]}
  ((offered == done + refused + dropped)) || fail "$*: some were lost: $out"
}

# In real time it depends on the machine how many are too many.
for policy in block reject drop_new drop_old; do
  runs --policy $policy
  ((offered == 200 && done >= 10)) || fail "$policy: $out"
done
runs --policy block
((done == 200 && ms >= 389)) || fail "block: $out"

runs --seed 7 --policy block
((done == 200 && held > 0 && ms >= 389)) || fail "block: $out"
runs --seed 7 --policy reject
((refused > 0 && dropped == 0 && done >= 15)) || fail "reject: $out"
for policy in drop_new drop_old; do
  runs --seed 7 --policy $policy
  ((refused == 0 && dropped > 0 && done >= 15)) || fail "$policy: $out"
done

# An hour in no time, and always alike.
runs --seed 1 --rate 1 --jobs 900
((done == 3600 && ms >= 3594000)) || fail "an hour: $out"
first=$out
runs --seed 1 --rate 1 --jobs 900
[ "$out" = "$first" ] || fail "the same seed did something else: $out"

# Workers that are too slow: nothing is lost, it only takes longer.
runs --seed 1 --workers 1 --work 100 --jobs 10
((done == 40 && ms >= 4000)) || fail "one slow worker: $out"

for wrong in "--policy nonsense" "--rate 0" "--jobs many"; do
  status=0
  # shellcheck disable=SC2086
  "$work_queue" $wrong >/dev/null 2>&1 || status=$?
  [ $status = 2 ] || fail "$wrong: status $status"
done
