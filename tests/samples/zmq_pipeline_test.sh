#!/usr/bin/env bash
# zmq_pipeline_test.sh SAMPLES: each task is done once, whatever the workers are; a killed one is
# noticed.
set -euo pipefail
# shellcheck source=tests/samples/processes.bash
source "$(dirname "$(readlink -f "$0")")/processes.bash"
pipeline=$1/zmq/pipeline
three='pipeline: (tcp://127.0.0.1:[0-9]+) (tcp://127.0.0.1:[0-9]+) (tcp://127.0.0.1:[0-9]+)$'

for kind in greenlets actors threads processes; do
  run "$pipeline" boss --workers-as $kind --workers 3 --tasks 300 --work 0
  [[ $rest == *"300 tasks done, each once"* ]] || fail "$kind: $rest"
  done=0
  while [[ $rest =~ worker\ [1-3]\ did\ ([0-9]+)(.*) ]]; do
    ((done += BASH_REMATCH[1]))
    rest=${BASH_REMATCH[2]}
  done
  [ $done = 300 ] || fail "$kind: the shares are $done together"
done

# Nobody but programs from elsewhere: one in Python; then another with it. Who gets how much is for
# the kernel's buffers to say.
start boss "$pipeline" boss --workers 0 --outside 1 --tasks 100 --work 0
says boss "$three"
python python pipeline worker "${BASH_REMATCH[@]:1}"
ends boss
[[ $rest == *"python did 100"* ]] || fail "with Python alone: $rest"
ends python
start boss "$pipeline" boss --workers 0 --outside 2 --tasks 200 --work 2
says boss "$three"
endpoints=("${BASH_REMATCH[@]:1}")
python python pipeline worker "${endpoints[@]}"
start ours "$pipeline" worker "${endpoints[@]}" --name ours
ends boss
[[ $rest == *"200 tasks done, each once"* ]] || fail "with Python: $rest"
ends python
ends ours

# A boss in Python.
python boss pipeline boss 50
says boss "$three"
start ours "$pipeline" worker "${BASH_REMATCH[@]:1}" --name ours
ends boss
[[ $rest == *"ours did 50"* ]] || fail "a boss in Python: $rest"
ends ours

# A worker is killed with its task: the boss does not wait for ever for that.
start boss "$pipeline" boss --workers 2 --workers-as processes --tasks 100000 --work 1000 --outside 1
says boss "$three"
start ours "$pipeline" worker "${BASH_REMATCH[@]:1}"
says boss '(worker [12]) is process ([0-9]+)$'
kill -KILL "${BASH_REMATCH[2]}"
ends boss 1
[[ $rest == *"${BASH_REMATCH[1]} ended: SIGKILL"* ]] || fail "a killed worker: $rest"
signal TERM ours && ends ours 143

# In the middle of it, it is told to end; its workers end with it.
for kind in greenlets actors threads processes; do
  start boss "$pipeline" boss --workers-as $kind --workers 2 --tasks 100000 --work 10
  says boss "$three"
  signal TERM boss
  ends boss 143
done

# Not even a boss that is killed leaves workers behind: what they write to is closed when all are gone.
start boss "$pipeline" boss --workers-as processes --workers 2 --tasks 100000 --work 10
says boss 'is process'
signal KILL boss
ends boss 137
