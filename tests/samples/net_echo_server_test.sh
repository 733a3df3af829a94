#!/usr/bin/env bash
# net_echo_server_test.sh SAMPLES: echo, for nc, curl and Python; on several hubs; under systemd.
set -euo pipefail
# shellcheck source=tests/samples/processes.bash
source "$(dirname "$(readlink -f "$0")")/processes.bash"
echo_server=$1/net/echo_server

at='at 127\.0\.0\.1:([0-9]+)$'
echoes() { # PORT: whatever nc, curl and Python send
  [ "$(printf 'one\ntwo\n' | timeout 20 nc -N 127.0.0.1 "$1")" = $'one\ntwo' ] || fail "nc"
  local to
  mkfifo "$work/typed"
  exec {to}<>"$work/typed" # keeps it open: curl leaves when its input ends
  # shellcheck disable=SC2016 # the inner shell's
  start curl bash -c 'exec curl -sSN --max-time 100 "telnet://127.0.0.1:$0" <"$1"' "$1" "$work/typed"
  echo three >&"$to"
  says curl '^three$'
  signal TERM curl
  ends curl 143
  exec {to}>&-
  rm "$work/typed"
  timeout 20 /usr/bin/python3 - "$1" <<'PYTHON' || fail "python"
import socket, sys
address = ('127.0.0.1', int(sys.argv[1]))
some = [socket.create_connection(address, timeout=20) for i in range(20)]
data = b'x' * 300_000
for i, s in enumerate(some):
    s.sendall(b'%d\n' % i)
for i, s in enumerate(some):
    wanted = b'%d\n' % i
    assert s.recv(100) == wanted
s = some[0]
s.setblocking(True)
import threading
threading.Thread(target=lambda: (s.sendall(data), s.shutdown(socket.SHUT_WR))).start()
got = b''
while part := s.recv(65536):
    got += part
assert got == data
PYTHON
}

for hubs in 1 3; do
  start server "$echo_server" --port 0 --grace 60 --hubs $hubs
  says server "$at" && port=${BASH_REMATCH[1]}
  echoes "$port"
  # SIGTERM: who is there may finish; who comes is refused.
  exec {client}<>"/dev/tcp/127.0.0.1/$port"
  comes_back "$client" before
  signal TERM server
  until ! (exec 9<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do :; done
  comes_back "$client" after
  exec {client}>&-
  ends server 143
done

# Socket activation, by hand: descriptor 3 listens, and its address is told on stdout.
activate() {
  exec /usr/bin/python3 - "$echo_server" <<'PYTHON'
import os, socket, sys
listener = socket.socket()
listener.bind(('127.0.0.1', 0))
listener.listen()
os.dup2(listener.fileno(), 3)
os.set_inheritable(3, True) # it may have been there
os.environ.update(LISTEN_FDS='1', LISTEN_PID=str(os.getpid()), LISTEN_FDNAMES='echo')
os.execv(sys.argv[1], [sys.argv[1], '--port', '1'])
PYTHON
}
start server activate
says server "$at" && echoes "${BASH_REMATCH[1]}"
signal TERM server && ends server 143

# And by systemd's own program, where there is one: it starts the server at the first connection.
if command -v systemd-socket-activate >/dev/null; then
  port=$(/usr/bin/python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0))
print(s.getsockname()[1])')
  start server systemd-socket-activate -l "127.0.0.1:$port" "$echo_server" --port 1
  says server 'Listening on 127\.0\.0\.1'
  echoes "$port"
  says server "$at"
  signal TERM server && ends server 143
fi
