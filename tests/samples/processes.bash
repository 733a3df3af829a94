# Programs that a test starts and listens to: sourced by its script. Nothing sleeps: who waits for a
# line is woken by it, and 100 seconds are enough for any.
# shellcheck shell=bash
work=$(mktemp -d)
declare -A pid_of=() output_of=()
# shellcheck disable=SC2154 # all that is left of a test that failed
trap 'for name in "${!pid_of[@]}"; do kill -KILL "${pid_of[$name]}" 2>/dev/null || true; done
      rm -rf "$work"' EXIT

fail() {
  echo "FAILED: $*"
  exit 1
}

start() { # NAME COMMAND...: in the background; both its outputs are kept for us
  local name=$1 fd
  shift
  mkfifo "$work/$name"
  "$@" >"$work/$name" 2>&1 &
  pid_of[$name]=$!
  exec {fd}<"$work/$name"
  rm "$work/$name"
  output_of[$name]=$fd
}

says() { # NAME REGEX: waits for a line that matches; BASH_REMATCH has its parts
  local name=$1 regex=$2 line all=
  while IFS= read -r -t 100 -u "${output_of[$name]}" line; do
    if [[ $line =~ $regex ]]; then return; fi
    all+=$line$'\n'
  done
  fail "$name does not say '$regex', but: $all"
}

ends() { # NAME [STATUS]: waits for its end; `rest` is what it has said and was not read yet
  local name=$1 wanted=${2:-0} status=0 fd=${output_of[$1]}
  # shellcheck disable=SC2034
  rest=$(timeout 100 cat <&"$fd") || fail "$name does not end: $rest"
  exec {fd}<&-
  wait "${pid_of[$name]}" || status=$?
  unset "pid_of[$name]" "output_of[$name]"
  [ "$status" = "$wanted" ] || fail "$name: status $status: $rest"
}

signal() { # SIGNAL NAME
  kill "-$1" "${pid_of[$2]}"
}

free_port() { # one that nobody listens to at this moment
  /usr/bin/python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# As another user where we are root, whom PostgreSQL refuses.
as_nobody() {
  if [ "$(id -u)" = 0 ]; then
    setpriv --reuid=nobody --regid=nogroup --clear-groups "$@"
  else
    "$@"
  fi
}
make_cluster() { # FOLDER: for a PostgreSQL whose user is grove, in FOLDER/data
  mkdir "$1"
  chmod 755 "$work"
  if [ "$(id -u)" = 0 ]; then chown nobody "$1"; fi
  cd / # nobody need be let in where we are
  as_nobody initdb --pgdata "$1/data" --auth trust --username grove --no-sync --no-locale >/dev/null
}

comes_back() { # DESCRIPTOR WORD: over a connection to somebody who echoes
  local line=
  echo "$2" >&"$1"
  IFS= read -r -t 100 -u "$1" line || true
  [ "$line" = "$2" ] || fail "'$2' comes back as '$line'"
}

run() { # COMMAND...: to its end; `rest` is what it says
  start run "$@"
  ends run
}

python() { # NAME SCRIPT ARGUMENT...: a peer from samples/zmq/peers
  local name=$1 script=$2
  shift 2
  start "$name" /usr/bin/python3 "$peers/$script.py" "$@"
}
peers=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../../samples/zmq/peers
/usr/bin/python3 -c 'import zmq, msgpack' 2>/dev/null ||
  fail "no peers: apt-get install python3-zmq python3-msgpack"
