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

s_client() { # CA OPTION...: echoes a line
  local ca=$1
  shift
  echo hello | timeout 60 openssl s_client -quiet -no_ign_eof -connect "localhost:$port" \
    -servername localhost -verify_hostname localhost -verify_return_error \
    -CAfile "$work/$ca.pem" "$@" 2>"$work/err"
}

# -- the server ------------------------------------------------------------------------------------

cp "$work/one.pem" "$work/chain.pem"
cp "$work/one.key" "$work/key.pem"
start server "$server" "$work/chain.pem" "$work/key.pem"
says server 'at 127\.0\.0\.1:([0-9]+)$' && port=${BASH_REMATCH[1]}
[ "$(s_client one -tls1_3)" = hello ] || fail "TLS 1.3: $(cat "$work/err")"
says server 'somebody with TLS 1\.3, TLS_'
[ "$(s_client one -tls1_2)" = hello ] || fail "TLS 1.2: $(cat "$work/err")"
says server 'somebody with TLS 1\.2, ECDHE-'
! s_client one -tls1_1 -cipher ALL:@SECLEVEL=0 || fail "TLS 1.1 was let in"
says server 'TLS handshake with .*: unsupported protocol'

# A new certificate; then one that is not good.
cp "$work/two.pem" "$work/chain.pem"
cp "$work/two.key" "$work/key.pem"
signal HUP server && says server 'new certificate'
[ "$(s_client two)" = hello ] || fail "the new certificate: $(cat "$work/err")"
! s_client one || fail "the old certificate is still shown"
cp "$work/one.key" "$work/key.pem"
signal HUP server && says server 'the old certificate stays: .*chain\.pem.*not that of the certificate'
[ "$(s_client two)" = hello ] || fail "after a reload that failed: $(cat "$work/err")"

signal TERM server && ends server 143

# Clients that it knows by their certificates.
start server "$server" "$work/one.pem" "$work/one.key" --clients "$work/ann.pem"
says server 'at 127\.0\.0\.1:([0-9]+)$' && port=${BASH_REMATCH[1]}
[ "$(s_client one -cert "$work/ann.pem" -key "$work/ann.key")" = hello ] || fail "ann: $(cat "$work/err")"
says server 'CN=ann with TLS'
! s_client one -tls1_2 || fail "a client without a certificate was let in"
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
