#!/usr/bin/env bash
# proxies_test.sh PROGRAMS: nginx and haproxy in front of our server, and between our client and it.
set -euo pipefail
programs=$1
# shellcheck source=tests/foreign/common.bash
source "$(dirname "$(readlink -f "$0")")/common.bash"
PATH=$PATH:/usr/sbin # where Debian has both
needs curl nginx haproxy

get() { curl -sS --max-time 100 "$@"; }

behind() { # BASE: all that a proxy must bring through
  is "through" "hello" "$(get "$1/hello")"
  is "a stream" "$(seq -f 'piece %g' 0 999)" "$(get "$1/stream/1000")"
  cmp <(get -H 'Transfer-Encoding: chunked' --data-binary "@$work/large" "$1/echo") \
    "$work/large" || fail "a body in chunks"
  cmp <(get -H 'Expect: 100-continue' --data-binary "@$work/large" "$1/echo") "$work/large" ||
    fail "a body that waits for 100"
  is "HEAD" "200" "$(get -I -o /dev/null -w '%{http_code}' "$1/hello")"
  is "who asks" "127.0.0.1 secure" "$(get "$1/client")" # as the proxy says
  is "our client" "200 hello
200 hello
404 404 Not Found: nothing is at this path
1 connections" "$("$programs/http_client" get "$1/hello" "$1/hello" "$1/nowhere")"
  is "our body in chunks" "$(seq -f 'piece %g' 0 999)" \
    "$("$programs/http_client" put "$1/echo" 1000)"
  is "a WebSocket" "echoed 100, closed with 1000" \
    "$("$programs/http_client" echo "ws${1#http}/" 100)"
}

head -c 700000 /dev/urandom >"$work/large"
serve --trust 127.0.0.1 --deflate

front=$(free_port)
mkdir "$work/tmp"
cat >"$work/nginx.conf" <<CONF
$(if [ "$(id -u)" = 0 ]; then echo 'user root;'; fi) # whose directory this is
daemon off;
pid $work/nginx.pid;
error_log stderr;
events {}
http {
  access_log off;
  client_body_temp_path $work/tmp;
  proxy_temp_path $work/tmp;
  fastcgi_temp_path $work/tmp;
  uwsgi_temp_path $work/tmp;
  scgi_temp_path $work/tmp;
  client_max_body_size 10m;
  upstream ours { server 127.0.0.1:$port; keepalive 4; }
  map \$http_upgrade \$connection_upgrade { default upgrade; '' ''; }
  server {
    listen 127.0.0.1:$front;
    location / {
      proxy_pass http://ours;
      proxy_http_version 1.1;
      proxy_set_header Host \$host;
      proxy_set_header Upgrade \$http_upgrade;
      proxy_set_header Connection \$connection_upgrade;
      proxy_set_header X-Forwarded-For \$proxy_add_x_forwarded_for;
      proxy_set_header X-Forwarded-Proto https;
    }
  }
}
CONF
start nginx nginx -c "$work/nginx.conf" -p "$work" -e stderr
listens "$front" nginx
behind "http://127.0.0.1:$front"
stop nginx 0

front=$(free_port)
cat >"$work/haproxy.cfg" <<CONF
defaults
  mode http
  timeout connect 20s
  timeout client 100s
  timeout server 100s
frontend front
  bind 127.0.0.1:$front
  option forwardfor
  http-request set-header X-Forwarded-Proto https
  default_backend ours
backend ours
  http-reuse always
  server one 127.0.0.1:$port check
CONF
start haproxy haproxy -f "$work/haproxy.cfg"
listens "$front" haproxy
until [ "$(curl -s -o /dev/null -w '%{http_code}' "http://127.0.0.1:$front/hello")" = 200 ]; do :; done
behind "http://127.0.0.1:$front"
stop haproxy 143

# Nobody but those whom it trusts speaks for others.
stop server
serve
is "a forger" "127.0.0.1 plain" \
  "$(get -H 'X-Forwarded-For: 1.2.3.4' -H 'X-Forwarded-Proto: https' "$url/client")"
stop server
