#!/usr/bin/env bash
# ping_pong_test.sh SAMPLES: the demo prints the transcript and its rate, on one hub and on two.
set -euo pipefail
samples=$1
transcript=$(dirname "$(readlink -f "$0")")/../transcripts/26_ping_pong.txt
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
  echo "FAILED: $*"
  exit 1
}

plays() { # MESSAGES OPTION...
  local messages=$1
  shift
  timeout 60 "$samples/ping_pong" "$@" >"$work/out" 2>"$work/err" || fail "$*: status $?"
  head -n -1 "$work/out" | cmp - "$transcript" || fail "$*: not the transcript"
  tail -n 1 "$work/out" | grep -qxE \
    "$messages messages in [0-9]+\.[0-9]+ s: [0-9]+ messages/s, [0-9]+\.[0-9] ns each" ||
    fail "$*: the last line is: $(tail -n 1 "$work/out")"
  [ ! -s "$work/err" ] || fail "$*: on stderr: $(cat "$work/err")"
}

refuses() { # WORD OPTION...: status 1 or 2, and a message with that word
  local word=$1 status=0
  shift
  "$samples/ping_pong" "$@" >"$work/out" 2>"$work/err" || status=$?
  [[ $status = [12] ]] || fail "$*: status $status"
  grep -q -e "$word" "$work/err" || fail "$*: it says: $(cat "$work/err")"
  [ ! -s "$work/out" ] || fail "$*: it played"
}

plays 2000000
plays 2 --rounds 1
plays 200000 --rounds 100000 --hubs 1
for _ in 1 2 3 4 5; do plays 2000 --rounds 1000 --hubs 2; done
plays 100000 --rounds 50000 --hubs 2

refuses --bogus --bogus
refuses --rounds --rounds 0
refuses --rounds --rounds -5
refuses --rounds --rounds many
refuses --hubs --hubs 3
refuses extra extra
"$samples/ping_pong" --help | grep -q -e --hubs || fail "--help"

# Ctrl-C in the middle of a game that would take long.
status=0
timeout --preserve-status -s INT 0.5 "$samples/ping_pong" --rounds 1000000000000 >/dev/null || status=$?
[ $status = 130 ] || fail "SIGINT: status $status"
