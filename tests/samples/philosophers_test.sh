#!/usr/bin/env bash
# philosophers_test.sh SAMPLES: with a waiter all eat; without one the circle is found and named.
set -euo pipefail
philosophers=$1/philosophers

fail() {
  echo "FAILED: $*"
  exit 1
}

says() { # WANTED OPTION...: these words, status 0
  local wanted=$1 got
  shift
  got=$(timeout 60 "$philosophers" "$@" 2>&1) || fail "$*: status $?: $got"
  [ "$got" = "$wanted" ] || fail "$*: it says: $got"
}

says "5 philosophers have had 1000 meals each, 5000 in all"
says "2 philosophers have had 10 meals each, 20 in all" --seats 2 --meals 10
says "101 philosophers have had 100 meals each, 10100 in all" --seats 101 --meals 100
each="Neighbour.receive(Eat) →"
says "ask: $each $each Neighbour
1 of 2 have eaten, as one gave in" --no-waiter --seats 2
says "ask: $each $each $each $each $each Neighbour
4 of 5 have eaten, as one gave in" --no-waiter

status=0
"$philosophers" --seats 1 >/dev/null 2>&1 || status=$?
[ $status = 2 ] || fail "--seats 1: status $status"
