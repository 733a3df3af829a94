# What the scripts of foreign peers share: our server, and what is expected of it.
# shellcheck shell=bash
# shellcheck source=tests/samples/processes.bash
source "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../samples/processes.bash"

needs() { # COMMAND...: this test is skipped without them
  local each
  for each in "$@"; do
    if ! command -v "$each" >/dev/null; then
      echo "skipped: there is no $each"
      exit 77
    fi
  done
}

is() { # WHAT WANTED GOT
  [ "$2" = "$3" ] || fail "$1: '$3' instead of '$2'"
}

serve() { # OPTION...: our server, at 127.0.0.1:$port
  # shellcheck disable=SC2154 # the script's
  start server "$programs/http_server" 127.0.0.1:0 "$@"
  says server 'at 127\.0\.0\.1:([0-9]+)$' && port=${BASH_REMATCH[1]}
  url=http://127.0.0.1:$port
}

stop() { # NAME [STATUS]: SIGTERM, after which it ends
  signal TERM "$1" && ends "$1" "${2:-143}"
}

free_port() {
  /usr/bin/python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

listens() { # PORT NAME: waits until NAME does
  until (exec 9<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; do
    kill -0 "${pid_of[$2]}" 2>/dev/null || ends "$2"
  done
}

certificate() { # $work/chain.pem and key.pem, for localhost
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost \
    -addext subjectAltName=DNS:localhost,IP:127.0.0.1 -keyout "$work/key.pem" \
    -out "$work/chain.pem" 2>/dev/null
}
