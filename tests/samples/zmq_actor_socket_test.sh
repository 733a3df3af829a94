#!/usr/bin/env bash
# zmq_actor_socket_test.sh SAMPLES: what comes through its socket is an actor's mail; what is none is
# passed over.
set -euo pipefail
# shellcheck source=tests/samples/processes.bash
source "$(dirname "$(readlink -f "$0")")/processes.bash"
sample=$1/zmq/actor_socket

start account "$sample" account --goal 350
says account 'open at (tcp://127.0.0.1:[0-9]+)$'
endpoint=${BASH_REMATCH[1]}
python nonsense actor_socket nonsense "$endpoint"
says account 'decode Deposit'
says account 'decode Deposit.amount: expected .*, found str'
ends nonsense
python python actor_socket client "$endpoint" 10
start ours "$sample" client "$endpoint" --amount 3 --times 100
says python '10 receipts' && ends python
ends ours
[[ $rest == *"receipt 1"[01][0-9]", 3"[0-5][05]" now" ]] || fail "ours: $rest"
says account 'has reached 350'
ends account

python account actor_socket account 4
says account '(tcp://127.0.0.1:[0-9]+)$'
run "$sample" client "${BASH_REMATCH[1]}" --amount 25 --times 4
[[ $rest == *"receipt 4, 100 now" ]] || fail "an account in Python: $rest"
says account 'has reached 100'
ends account

# An actor that waits ends with its program.
start account "$sample" account
says account 'open at'
signal TERM account && ends account 143
