#!/usr/bin/env bash
# zmq_broker_test.sh SAMPLES: requests find a worker and answers their client, through either broker.
set -euo pipefail
# shellcheck source=tests/samples/processes.bash
source "$(dirname "$(readlink -f "$0")")/processes.bash"
broker=$1/zmq/broker

serves() { # the broker that runs: workers and clients of both kinds
  says broker 'clients at (tcp://127.0.0.1:[0-9]+)$' && local clients=${BASH_REMATCH[1]}
  says broker 'workers at (tcp://127.0.0.1:[0-9]+)$' && local workers=${BASH_REMATCH[1]}
  start one "$broker" worker "$workers" --name one
  python two broker worker "$workers"
  python client broker client "$clients" 100
  # More and more questions at once until both workers have answered some.
  local from=0
  while [ "$from" != 2 ]; do
    run "$broker" client "$clients" --requests 20 --at-once 10
    [[ $rest =~ ^broker:\ 200\ answers\ from\ ([12])\ workers$ ]] || fail "client: $rest"
    from=${BASH_REMATCH[1]}
  done
  says client '100 answers' && ends client
  signal TERM broker && ends broker 143
  signal TERM one && ends one 143
  signal TERM two && ends two 143
}

start broker "$broker" broker
serves
python broker broker broker
serves
