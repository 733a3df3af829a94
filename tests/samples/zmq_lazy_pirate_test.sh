#!/usr/bin/env bash
# zmq_lazy_pirate_test.sh SAMPLES: the client gets its answers from servers that stall, are deaf, are
# killed; and gives up when there is none.
set -euo pipefail
# shellcheck source=tests/samples/processes.bash
source "$(dirname "$(readlink -f "$0")")/processes.bash"
pirate=$1/zmq/lazy_pirate

# The questions that pile up meanwhile are fewer than those between two stalls, or it would go on so.
start server "$pirate" server --stall-every 5 --stall 500
says server 'tcp://127.0.0.1:([0-9]+)$'
port=${BASH_REMATCH[1]} endpoint=tcp://127.0.0.1:${BASH_REMATCH[1]}
run "$pirate" client "$endpoint" --requests 5 --timeout 200 --attempts 100
[[ $rest == *"no answer to "[1-5]", attempt 1"* ]] || fail "nothing stalled: $rest"
[[ $rest == *"5 squared is 25" ]] || fail "stalling server: $rest"
python python lazy_pirate client "$endpoint" 5
says python '5 answers' && ends python

# Killed in the middle of a stall, and started again at the same place.
signal TERM server && ends server 143
start server "$pirate" server --port "$port" --stall-every 1 --stall 1000000
start client "$pirate" client "$endpoint" --requests 10 --timeout 200 --attempts 1000
says client 'no answer to [0-9]+, attempt 1$'
signal KILL server && ends server 137
says client 'no answer to [0-9]+, attempt 5$'
start server "$pirate" server --port "$port"
says client '10 squared is 100'
ends client
signal TERM server && ends server 143

# Now there is none.
start client "$pirate" client "$endpoint" --requests 1 --timeout 50 --attempts 3
ends client 1
[[ $rest == *"attempt 3"*"$endpoint seems to be gone"* ]] || fail "no server: $rest"

# In Python, and deaf for a while.
python server lazy_pirate server 2
says server '(tcp://127.0.0.1:[0-9]+)$'
run "$pirate" client "${BASH_REMATCH[1]}" --requests 3 --timeout 500 --attempts 1000
[[ $rest == *"no answer to 1, attempt 2"*"3 squared is 9" ]] || fail "a deaf server: $rest"
signal TERM server && ends server 143
