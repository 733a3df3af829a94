#!/usr/bin/env bash
# zmq_paranoid_pirate_test.sh SAMPLES: the client gets every answer although workers hang and are
# killed with their tasks, and the queue, too.
set -euo pipefail
# shellcheck source=tests/samples/processes.bash
source "$(dirname "$(readlink -f "$0")")/processes.bash"
pirate=$1/zmq/paranoid_pirate

starts_queue() { # OPTION...: sets clients and workers
  start queue "$pirate" queue "$@"
  says queue 'clients at (tcp://127.0.0.1:[0-9]+)$' && clients=${BASH_REMATCH[1]}
  says queue 'workers at (tcp://127.0.0.1:[0-9]+)$' && workers=${BASH_REMATCH[1]}
}

# One that hangs with a task, and one that is killed with it. What they had is done by the third;
# the client does not even ask again.
starts_queue --heartbeat 100
start hangs "$pirate" worker "$workers" --name hangs --work 1000000 --heartbeat 100
says queue 'hangs is ready'
start client "$pirate" client "$clients" --requests 3 --timeout 100000 --attempts 1
start dies "$pirate" worker "$workers" --name dies --work 1000000 --heartbeat 100
says queue 'dies is ready'
signal STOP hangs
says queue 'hangs is gone'
signal KILL dies && ends dies 137
start third "$pirate" worker "$workers" --name third --heartbeat 100
says client '1 squared is 1, says third'
says client '3 squared is 9, says third'
ends client

# It wakes up, finds out that it is dead, and comes back.
signal CONT hangs
says queue 'hangs is (ready|back)'
signal TERM hangs && ends hangs 143

# So does one that had nothing to do; it is given work again.
signal STOP third
says queue 'third is gone'
signal CONT third
says queue 'third is (ready|back)'
run "$pirate" client "$clients" --requests 3 --timeout 100000 --attempts 1
[[ $rest == *"3 squared is 9, says third" ]] || fail "an idle worker that was stopped: $rest"

# The queue is killed and comes back at the same place. Workers find it again, and the client asks
# again.
start client "$pirate" client "$clients" --requests 1000000000 --timeout 500 --attempts 1000
says client '5 squared is 25, says third'
signal KILL queue && ends queue 137
says third 'the queue is silent'
says client 'no answer to [0-9]+, attempt 1'
starts_queue --port "${clients##*:}" --workers-port "${workers##*:}" --heartbeat 100
says queue 'third is ready'
says client 'says third'
signal TERM client && ends client 143
signal TERM third && ends third 143
signal TERM queue && ends queue 143

# Workers, a client and a queue in Python.
starts_queue
python python paranoid_pirate worker "$workers"
says queue 'python is ready'
run "$pirate" client "$clients" --requests 5 --timeout 100000 --attempts 1
[[ $rest == *"5 squared is 25, says python" ]] || fail "a worker in Python: $rest"
signal KILL python && ends python 137
says queue 'python is gone'
start ours "$pirate" worker "$workers" --name ours
python client paranoid_pirate client "$clients" 10
says client '10 answers, the last from ours' && ends client
signal TERM ours && ends ours 143
signal TERM queue && ends queue 143

python queue paranoid_pirate queue
says queue 'clients at (tcp://127.0.0.1:[0-9]+)$' && clients=${BASH_REMATCH[1]}
says queue 'workers at (tcp://127.0.0.1:[0-9]+)$' && workers=${BASH_REMATCH[1]}
start ours "$pirate" worker "$workers" --name ours
run "$pirate" client "$clients" --requests 3 --timeout 100000 --attempts 1
[[ $rest == *"3 squared is 9, says ours" ]] || fail "a queue in Python: $rest"
signal TERM ours && ends ours 143
signal TERM queue && ends queue 143
