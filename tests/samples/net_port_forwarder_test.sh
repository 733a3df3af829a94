#!/usr/bin/env bash
# net_port_forwarder_test.sh SAMPLES: both directions, their ends, and the end of it all.
set -euo pipefail
# shellcheck source=tests/samples/processes.bash
source "$(dirname "$(readlink -f "$0")")/processes.bash"
port_forwarder=$1/net/port_forwarder

start target "$1/net/echo_server" --port 0
says target 'at 127\.0\.0\.1:([0-9]+)$' && target=${BASH_REMATCH[1]}
start forwarder "$port_forwarder" --port 0 "127.0.0.1:$target"
says forwarder "^port_forwarder: 127\.0\.0\.1:([0-9]+) to 127\.0\.0\.1:$target$" &&
  port=${BASH_REMATCH[1]}

# The end of one direction is passed on, the other goes on.
head -c 1000000 /dev/urandom >"$work/data"
timeout 60 nc -N 127.0.0.1 "$port" <"$work/data" >"$work/back" || fail "nc"
cmp "$work/back" "$work/data" || fail "a million bytes"

# gevent C29: SIGTERM closes the port, what is under way finishes, and the status is 0.
exec {client}<>"/dev/tcp/127.0.0.1/$port"
comes_back "$client" before
signal TERM forwarder
says forwarder 'closing the port, 1 connections to go'
until ! (exec 9<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do :; done
comes_back "$client" after
exec {client}>&-
ends forwarder 0

# One that does not end by itself is cut off.
start forwarder "$port_forwarder" --port 0 --grace 0 "127.0.0.1:$target"
says forwarder 'port_forwarder: 127\.0\.0\.1:([0-9]+) to' && port=${BASH_REMATCH[1]}
exec {client}<>"/dev/tcp/127.0.0.1/$port"
comes_back "$client" before
signal INT forwarder
ends forwarder 0
! read -r -t 100 -u "$client" || fail "not cut off"
exec {client}>&-

# A target by its name, which is looked up for each connection.
start forwarder "$port_forwarder" --port 0 "localhost:$target"
says forwarder "^port_forwarder: 127\.0\.0\.1:([0-9]+) to localhost:$target$" && port=${BASH_REMATCH[1]}
exec {client}<>"/dev/tcp/127.0.0.1/$port"
comes_back "$client" named
exec {client}>&-
signal TERM forwarder && ends forwarder 0
start forwarder "$port_forwarder" --port 0 no-such-host.invalid:80
says forwarder 'port_forwarder: 127\.0\.0\.1:([0-9]+) to' && port=${BASH_REMATCH[1]}
[ -z "$(timeout 30 nc 127.0.0.1 "$port" </dev/null 2>&1)" ] || fail "answered by nobody"
says forwarder 'resolve no-such-host\.invalid: '
signal TERM forwarder && ends forwarder 0
for wrong in localhost localhost: localhost:99999 :; do
  if "$port_forwarder" "$wrong" >/dev/null 2>&1; then fail "$wrong is a target"; fi
done

# A target that is not there: its clients are told, and it goes on.
signal TERM target && ends target 143
start forwarder "$port_forwarder" --port 0 "127.0.0.1:$target"
says forwarder 'port_forwarder: 127\.0\.0\.1:([0-9]+) to' && port=${BASH_REMATCH[1]}
for _ in 1 2; do
  [ -z "$(timeout 20 nc 127.0.0.1 "$port" </dev/null 2>&1)" ] || fail "answered by nobody"
  says forwarder 'Connection refused'
done
signal TERM forwarder && ends forwarder 0
