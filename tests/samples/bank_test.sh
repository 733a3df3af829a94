#!/usr/bin/env bash
# bank_test.sh SAMPLES: whatever crashes, the money stays the same; the same seed does the same.
set -euo pipefail
bank=$1/bank
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
  echo "FAILED: $*"
  exit 1
}

keeps() { # SUM ACCOUNTS OPTION...: the sum is the same at the end
  local sum=$1 accounts=$2
  shift 2
  timeout 100 "$bank" --accounts "$accounts" "$@" >"$work/out" 2>"$work/err" || fail "$*: status $?"
  tail -n 1 "$work/out" | grep -qxF "$accounts accounts have $sum, as at the beginning" ||
    fail "$*: it says: $(cat "$work/out")"
  [ ! -s "$work/err" ] || fail "$*: on stderr: $(cat "$work/err")"
}

number() { # WORD: the number before that word
  grep -oE "[0-9]+ (transfers )?$1" "$work/out" | cut -d' ' -f1
}

keeps 2000.00 20
(($(number crashes) > 100)) || fail "nothing crashed"
(($(number done) > 5000)) || fail "nothing was done"
(($(number done) + $(number refused) + $(number failed) == 10000)) || fail "some have no outcome"
grep -qxF "a wrong deposit: std::invalid_argument: an amount of -5.00" "$work/out" || fail "-5.00"
grep -qxF "account 0 was started again, and has 100.00" "$work/out" || fail "account 0"
keeps 2000.00 20 --seed 1
cp "$work/out" "$work/first"
keeps 2000.00 20 --seed 1
cmp "$work/out" "$work/first" || fail "the same seed did something else"
keeps 2000.00 20 --seed 2
! cmp -s "$work/out" "$work/first" || fail "another seed did the same"

keeps 200.00 2 --clients 100 --transfers 100 --crashes 50
keeps 5000.00 50 --clients 1 --crashes 0
[ "$(number crashes)" = 0 ] || fail "it crashed"

status=0
"$bank" --accounts 1 >"$work/out" 2>"$work/err" || status=$?
[ $status = 2 ] || fail "--accounts 1: status $status"
grep -q -e --accounts "$work/err" || fail "--accounts 1: it says: $(cat "$work/err")"
