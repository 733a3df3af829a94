#!/usr/bin/env bash
# zmq_curve_test.sh SAMPLES: who has a key that the server knows gets in; a stranger does not, and
# who speaks no CURVE does not, and others are not disturbed.
set -euo pipefail
# shellcheck source=tests/samples/processes.bash
source "$(dirname "$(readlink -f "$0")")/processes.bash"
curve=$1/zmq/curve

mkdir "$work/clients"
run "$curve" keys "$work/server.key"
run "$curve" keys "$work/clients/ann.key" --name ann
run "$curve" keys "$work/eve.key" --name eve
for key in server clients/ann eve; do
  [ "$(stat -c %a "$work/$key.key_secret")" = 600 ] || fail "$key.key_secret can be read"
done

start server "$curve" server "$work/server.key" "$work/clients"
says server '1 may come to (tcp://127.0.0.1:[0-9]+)$'
endpoint=${BASH_REMATCH[1]}
start eve "$curve" client "$endpoint" "$work/server.key" "$work/eve.key"
says server 'somebody was not let in'
python plain curve plain "$endpoint"
says server 'somebody does not know how to come in'
run "$curve" client "$endpoint" "$work/server.key" "$work/clients/ann.key" --timeout 100000
[ "$rest" = "curve: welcome, ann" ] || fail "ann: $rest"
says server 'ann says hello$'
python ann curve client "$endpoint" "$work/server.key" "$work/clients/ann.key"
says server 'ann says hello from Python$'
says ann 'welcome, ann' && ends ann
signal TERM plain && ends plain 143
[ -z "$rest" ] || fail "without a key: $rest"
says eve 'no answer' && ends eve 1

# It is not who ann thinks it is.
start ann "$curve" client "$endpoint" "$work/eve.key" "$work/clients/ann.key" --timeout 1000
says ann 'no answer' && ends ann 1
signal TERM server && ends server 143

python server curve server "$work/server.key" "$work/clients"
says server 'come to (tcp://127.0.0.1:[0-9]+)$'
run "$curve" client "${BASH_REMATCH[1]}" "$work/server.key" "$work/clients/ann.key" --timeout 100000
[ "$rest" = "curve: welcome to Python" ] || fail "a server in Python: $rest"
says server 'somebody says hello' && ends server
