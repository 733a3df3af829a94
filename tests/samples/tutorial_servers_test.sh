#!/usr/bin/env bash
# tutorial_servers_test.sh SAMPLES: the lessons that serve: 22 and 27, seen by curl and nc.
set -euo pipefail
# shellcheck source=tests/samples/processes.bash
source "$(dirname "$(readlink -f "$0")")/processes.bash"
lessons=$1/tutorial
transcripts=$(dirname "$(readlink -f "$0")")/../transcripts

# 27: what nc sees, byte for byte, then the end.
start server "$lessons/27_stream_server" --port 0
says server '^at 127\.0\.0\.1:([0-9]+)$' && port=${BASH_REMATCH[1]}
for _ in 1 2 3; do
  timeout 20 nc 127.0.0.1 "$port" </dev/null | cmp - "$transcripts/27_stream_server_nc.txt" ||
    fail "27_stream_server"
done
signal TERM server && ends server 143

# 22: two clients at once never see each other's request.
start server "$lessons/22_request_local" --port 0
says server '^at 127\.0\.0\.1:([0-9]+)$' && port=${BASH_REMATCH[1]}
asks() { # ADDRESS: so many times, from that address
  local answer
  for _ in 1 2 3 4 5 6 7 8 9 10; do
    answer=$(curl -sS --max-time 20 --interface "$1" "http://127.0.0.1:$port/")
    [ "$answer" = "Hello $1" ] || fail "22_request_local: $1 gets '$answer'"
  done
}
asks 127.0.0.1 &
one=$!
asks 127.0.0.2 &
two=$!
wait $one || fail "22_request_local"
wait $two || fail "22_request_local"
signal TERM server && ends server 143
