#!/usr/bin/env bash
# net_udp_echo_test.sh SAMPLES: datagrams there and back: gevent C27.
set -euo pipefail
# shellcheck source=tests/samples/processes.bash
source "$(dirname "$(readlink -f "$0")")/processes.bash"
udp_echo=$1/net/udp_echo

start server "$udp_echo" server --port 0
says server 'at 127\.0\.0\.1:([0-9]+)$' && port=${BASH_REMATCH[1]}
run "$udp_echo" client "127.0.0.1:$port" 'how long is this?'
[ "$rest" = 'Received 17 bytes' ] || fail "client: $rest"
says server 'got how long is this\?$'
answer=$(timeout 20 /usr/bin/python3 - "$port" <<'PYTHON'
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(20)
s.connect(('127.0.0.1', int(sys.argv[1])))
for data in b'', b'x', b'y' * 9000:
    s.send(data)
    print(s.recv(100).decode())
PYTHON
)
[ "$answer" = $'Received 0 bytes\nReceived 1 bytes\nReceived 9000 bytes' ] || fail "python: $answer"
signal TERM server && ends server 143

# Nobody there: the kernel says so, and the program.
start client "$udp_echo" client "127.0.0.1:$port"
ends client 1
[[ $rest == *'Connection refused'* ]] || fail "client of nobody: $rest"
