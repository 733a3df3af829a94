#!/usr/bin/env bash
# curl_test.sh PROGRAMS: curl against our server, in all its moods.
set -euo pipefail
programs=$1
# shellcheck source=tests/foreign/common.bash
source "$(dirname "$(readlink -f "$0")")/common.bash"
needs curl openssl

get() { curl -sS --max-time 100 "$@"; }
codes() { get -o /dev/null -w '%{http_code} %{http_version}' "$@"; }

old=(-0)
matrix() { # CURL-OPTION...: whatever way the server is reached
  local way=("$@")
  is "1.1" "hello" "$(get "${way[@]}" "$url/hello")"
  is "1.0" "hello" "$(get "${way[@]}" "${old[@]}" "$url/hello")"
  is "1.0 says so" "200 1.1" "$(codes "${way[@]}" "${old[@]}" "$url/hello")" # ours is the higher one
  is "a stream" "$(seq -f 'piece %g' 0 999)" "$(get "${way[@]}" "$url/stream/1000")"
  is "a stream for 1.0" "$(seq -f 'piece %g' 0 999)" "$(get "${way[@]}" "${old[@]}" "$url/stream/1000")"
  is "a body" "a=b" "$(get "${way[@]}" -d a=b "$url/echo")"
  cmp <(get "${way[@]}" --data-binary "@$work/large" -H 'Expect:' "$url/echo") "$work/large" ||
    fail "a large body"
  cmp <(get "${way[@]}" --data-binary "@$work/large" -H 'Expect: 100-continue' "$url/echo") \
    "$work/large" || fail "a large body that waits for 100"
  cmp <(get "${way[@]}" -H 'Transfer-Encoding: chunked' --data-binary "@$work/large" \
    "$url/echo") "$work/large" || fail "a body in chunks"
  cmp <(get "${way[@]}" -T - "$url/echo" <"$work/large") "$work/large" || fail "PUT in chunks"
  is "refused before the body" "403 1.1" \
    "$(codes "${way[@]}" -H 'Expect: 100-continue' --data-binary "@$work/large" "$url/refuse")"
  is "HEAD" "Content-Length: 6" "$(get "${way[@]}" -I "$url/hello" | tr -d '\r' | grep -i '^content-length')"
  is "no such page" "404 1.1" "$(codes "${way[@]}" "$url/nowhere")"
  is "no such method" "405 1.1" "$(codes "${way[@]}" -X DELETE "$url/hello")"
  is "OPTIONS" "204 1.1" "$(codes "${way[@]}" -X OPTIONS "$url/hello")"
  is "a range" "3456" "$(get "${way[@]}" -r 3-6 "$url/files/digits")"
  is "a range at the end" "789" "$(get "${way[@]}" -r -3 "$url/files/digits")"
  is "a range's status" "206 1.1" "$(codes "${way[@]}" -r 3-6 "$url/files/digits")"
  is "a range beyond" "416 1.1" "$(codes "${way[@]}" -r 30-60 "$url/files/digits")"
  rm -f "$work/resumed"
  printf 0123 >"$work/resumed"
  get "${way[@]}" -C - -o "$work/resumed" "$url/files/digits"
  is "resumed" "0123456789" "$(cat "$work/resumed")"
  is "fresh" "304 1.1" "$(codes "${way[@]}" -z "$work/files/digits" "$url/files/digits")"
  get "${way[@]}" --etag-save "$work/etag" -o /dev/null "$url/files/digits"
  is "its ETag" "304 1.1" "$(codes "${way[@]}" --etag-compare "$work/etag" "$url/files/digits")"
  is "no way out" "404 1.1" "$(codes "${way[@]}" --path-as-is "$url/files/../chain.pem")"
  # Of ten requests the first makes a connection, until the server ends it.
  # shellcheck disable=SC2046
  is "kept alive" "1000000000" "$(get "${way[@]}" -w '%{num_connects}' \
    $(for _ in 1 2 3 4 5 6 7 8 9 10; do printf -- '-o /dev/null %s ' "$url/hello"; done))"
  is "closed" "11" "$(get "${way[@]}" -w '%{num_connects}' \
    -o /dev/null "$url/bye" -o /dev/null "$url/hello")"
}

mkdir "$work/files"
printf 0123456789 >"$work/files/digits"
head -c 700000 /dev/urandom >"$work/large"
certificate

serve --files "$work/files"
matrix
stop server

serve --files "$work/files" --tls "$work/chain.pem" "$work/key.pem"
url=https://localhost:$port
old=(-0 --no-alpn) # it would offer http/1.0 only
matrix --cacert "$work/chain.pem" --connect-to "localhost::127.0.0.1:"
matrix --cacert "$work/chain.pem" --connect-to "localhost::127.0.0.1:" --tls-max 1.2
is "plain HTTP to TLS" "000" \
  "$(curl -s --max-time 100 -o /dev/null -w '%{http_code}' "http://127.0.0.1:$port/hello" || true)"
is "another protocol only" "000" \
  "$(curl -s --max-time 100 -o /dev/null -w '%{http_code}' --cacert "$work/chain.pem" -0 \
    "https://localhost:$port/hello" || true)"
stop server

old=(-0)
start server "$programs/http_server" "unix:$work/socket" --files "$work/files"
says server 'at unix:.*/socket$'
url=http://localhost
matrix --unix-socket "$work/socket"
stop server
