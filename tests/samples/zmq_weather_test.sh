#!/usr/bin/env bash
# zmq_weather_test.sh SAMPLES: each client gets the reports of its prefixes, all of them; in Python
# too.
set -euo pipefail
# shellcheck source=tests/samples/processes.bash
source "$(dirname "$(readlink -f "$0")")/processes.bash"
weather=$1/zmq/weather

# Who has subscribed before the first report misses none. 900 reports are fewer than sndhwm.
start server "$weather" server --subscribers 4 --reports 900 --every 0
says server '(tcp://127.0.0.1:[0-9]+)$'
endpoint=${BASH_REMATCH[1]}
start all "$weather" client "$endpoint" ''
start some "$weather" client "$endpoint" 1 2 30
start others "$weather" client "$endpoint" 31 32 33 34 35 36 37 38 39 4 5 6 7 8 9
python python weather client "$endpoint" 1 2 30
says server 'sent 900 reports'
ends server
says all ' 900 of 900 reports'
says some '([0-9]+) of 900 reports' && few=${BASH_REMATCH[1]}
says others '([0-9]+) of 900 reports' && many=${BASH_REMATCH[1]}
((few > 0 && few + many == 900)) || fail "$few and $many"
says python "$few of 900 reports"
for client in all some others python; do ends $client; done

# A server in Python. 1 to 9 are all there are.
python server weather server 500
says server '(tcp://127.0.0.1:[0-9]+)$'
run "$weather" client "${BASH_REMATCH[1]}" 1 2 3 4 5 6 7 8 9
[[ $rest == *"500 of 500 reports"* ]] || fail "from Python: $rest"
ends server

# It goes on until it is told to end, and in order.
start server "$weather" server
says server '(tcp://127.0.0.1:[0-9]+)$'
endpoint=${BASH_REMATCH[1]}
run "$weather" client "$endpoint" '' --reports 20
[[ $rest == *"on the average of 20"* ]] || fail "a late client: $rest"
start client "$weather" client "$endpoint" ''
says client 'has -?[0-9]+ degrees'
signal TERM server && ends server 143
signal INT client && ends client 130
