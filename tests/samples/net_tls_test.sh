#!/usr/bin/env bash
# net_tls_test.sh SAMPLES: the samples of TLS against OpenSSL's programs and each other.
set -euo pipefail
# shellcheck source=tests/samples/processes.bash
source "$(dirname "$(readlink -f "$0")")/processes.bash"
server=$1/net/tls_echo_server
client=$1/net/tls_client

certificate() { # NAME: $work/NAME.pem and .key, for localhost, signed by itself
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "/CN=$1" \
    -addext subjectAltName=DNS:localhost -keyout "$work/$1.key" -out "$work/$1.pem" 2>/dev/null
}
certificate one
certificate two
certificate ann

s_client() { # CA OPTION...: begins to talk to $port; descriptor 8 is what it is told
  local ca=$1
  shift
  rm -f "$work/in"
  mkfifo "$work/in"
  exec 8<>"$work/in"
  # shellcheck disable=SC2016 # a background job would read /dev/null
  start client bash -c 'exec "$@" <"$0"' "$work/in" openssl s_client -brief -connect "localhost:$port" \
    -servername localhost -verify_hostname localhost -verify_return_error \
    -CAfile "$work/$ca.pem" "$@" 8>&-
}
talks() { # CA OPTION...: it is answered
  s_client "$@"
  echo hello >&8
  says client '^hello$'
  echo Q >&8
  ends client
}
is_refused() { # CA OPTION...
  s_client "$@"
  ends client 1
}

# -- the server ------------------------------------------------------------------------------------

cp "$work/one.pem" "$work/chain.pem"
cp "$work/one.key" "$work/key.pem"
start server "$server" "$work/chain.pem" "$work/key.pem"
says server 'at 127\.0\.0\.1:([0-9]+)$' && port=${BASH_REMATCH[1]}
talks one -tls1_3
says server 'somebody with TLS 1\.3, TLS_'
talks one -tls1_2
says server 'somebody with TLS 1\.2, ECDHE-'
is_refused one -tls1_1 -cipher ALL:@SECLEVEL=0
says server 'TLS handshake with .*: unsupported protocol'

# A new certificate; then one that is not good.
cp "$work/two.pem" "$work/chain.pem"
cp "$work/two.key" "$work/key.pem"
signal HUP server && says server 'new certificate'
talks two
is_refused one
cp "$work/one.key" "$work/key.pem"
signal HUP server && says server 'the old certificate stays: .*chain\.pem.*not that of the certificate'
talks two

signal TERM server && ends server 143

# Clients that it knows by their certificates.
start server "$server" "$work/one.pem" "$work/one.key" --clients "$work/ann.pem"
says server 'at 127\.0\.0\.1:([0-9]+)$' && port=${BASH_REMATCH[1]}
talks one -cert "$work/ann.pem" -key "$work/ann.key"
says server 'CN=ann with TLS'
is_refused one -tls1_2
says server 'peer did not return a certificate'
signal TERM server && ends server 143

# -- the client, which asks OpenSSL's server for a page --------------------------------------------

cd "$work" # -WWW serves files
echo "a page" >page.txt
start pages openssl s_server -accept 127.0.0.1:0 -cert one.pem -key one.key -WWW
says pages 'ACCEPT 127\.0\.0\.1:([0-9]+)$' && port=${BASH_REMATCH[1]}
gets() { # STATUS OPTION...
  local status=$1
  shift
  start client "$client" localhost --port "$port" --path /page.txt "$@"
  ends client "$status"
}
gets 0 --authorities one.pem
[[ $rest == *"TLS 1.3, "*"of CN=one"*"HTTP/1.0 200"*"a page"* ]] || fail "the page: $rest"
gets 1 --authorities two.pem
[[ $rest == *"its certificate: self-signed certificate"* ]] || fail "another authority: $rest"
gets 1
[[ $rest == *"its certificate: self-signed certificate"* ]] || fail "the system's authorities: $rest"
gets 1 --authorities nowhere.pem
[[ $rest == *"nowhere.pem: No such file"* ]] || fail "no such file: $rest"
