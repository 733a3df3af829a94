#!/usr/bin/env bash
# web_reverse_proxy_test.sh SAMPLES: what comes through, what does not, and what is answered when the
# servers behind fail, as curl and a WebSocket see it.
set -euo pipefail
# shellcheck source=tests/samples/processes.bash
source "$(dirname "$(readlink -f "$0")")/processes.bash"
here=$(dirname "$(readlink -f "$0")")

behind() { # NAME SCRIPT: starts a server; sets `port`
  start "$1" /usr/bin/python3 "$here/peers/$2"
  says "$1" '^at ([0-9]+)$' && port=${BASH_REMATCH[1]}
}
proxy() { # NAME ARGUMENT...: starts a proxy; sets `address`
  local name=$1
  shift
  start "$name" "$samples/web/reverse_proxy" --port 0 "$@"
  says "$name" '^reverse_proxy: at (127\.0\.0\.1:[0-9]+)$' && address=${BASH_REMATCH[1]}
}
ask() { # CURL-ARGUMENT...: sets `status` and `body`; the fields are in $work/head
  status=$(curl -sS --max-time 60 -D "$work/head" -o "$work/body" -w '%{http_code}' "$@")
  body=$(tr -d '\0' <"$work/body")
}
is() { # WANTED GOT WHAT
  [ "$1" = "$2" ] || fail "$3: '$2', not '$1'"
}
told() { # NAME: the value of a field that the server behind was sent; "none"
  /usr/bin/python3 -c 'import json, sys
print(", ".join(v for n, v in json.load(sys.stdin)["fields"] if n == sys.argv[1]) or "none")' "$1" <<<"$body"
}
samples=$1
behind upstream upstream.py && upstream=127.0.0.1:$port
proxy proxy "http://$upstream" && url=http://$address

# -- fields ------------------------------------------------------------------------------------------
ask "$url/fields/a%20b?x=%2F&y" -H 'Connection: X-Mine, keep-alive' -H 'X-Mine: 1' -H 'TE: trailers' \
  -H 'Keep-Alive: 5' -H 'Proxy-Connection: close' -H 'Proxy-Authorization: Basic eA==' -H 'X-Theirs: 2' \
  -H 'X-Forwarded-For: 6.6.6.6' -H 'X-Forwarded-Proto: https' -H 'Forwarded: for=6.6.6.6' -H 'Via: 1.0 fred' \
  -H 'Host: shop.example'
is 200 "$status" "/fields"
[[ $body == *'"path": "/fields/a%20b?x=%2F&y"'* ]] || fail "the path: $body"
for gone in connection x-mine te keep-alive proxy-connection proxy-authorization forwarded; do
  is none "$(told $gone)" "$gone"
done
is 2 "$(told x-theirs)" X-Theirs
is shop.example "$(told host)" Host
is 127.0.0.1 "$(told x-forwarded-for)" X-Forwarded-For
is http "$(told x-forwarded-proto)" X-Forwarded-Proto
is shop.example "$(told x-forwarded-host)" X-Forwarded-Host
is '1.0 fred, 1.1 grove' "$(told via)" Via
ask "$url/hops"
is 200,to\ the\ end "$status,$body" "/hops"
grep -qiE '^(x-secret|keep-alive|proxy-authenticate|upgrade|connection):' "$work/head" && fail "/hops: $(cat "$work/head")"
is 'a=1 b=2' "$(tr -d '\r' <"$work/head" | sed -n 's/^Set-Cookie: //p' | paste -sd ' ')" Set-Cookie
grep -qi '^via: 1.1 grove' "$work/head" || fail "/hops: no Via"
# A proxy that we trust speaks for its clients.
proxy second "http://$upstream" --trust 127.0.0.0/8
ask "http://$address/fields" -H 'X-Forwarded-For: 1.2.3.4, 5.6.7.8' -H 'X-Forwarded-Proto: https'
is '5.6.7.8 https' "$(told x-forwarded-for) $(told x-forwarded-proto)" 'what a trusted proxy says'
signal TERM second && ends second 143

# -- methods and bodies ----------------------------------------------------------------------------------
ask -I "$url/fields" && is 200 "$status" HEAD
grep -qiE '^content-length: [1-9]' "$work/head" || fail "HEAD: $(cat "$work/head")"
ask -X DELETE "$url/fields"
[[ $body == *'"method": "DELETE"'* ]] || fail "DELETE: $body"
ask "$url/nowhere" && is '404 no such thing' "$status $body" "/nowhere"
ask "$url/more?" && is 404 "$status" 'a query that is empty, and there'
head -c 20000000 /dev/urandom >"$work/large"
for how in 'X-None: 1' 'Transfer-Encoding: chunked' 'Expect: 100-continue'; do
  curl -sS --max-time 60 -H "$how" -H 'Content-Type: a/b' -D "$work/head" --data-binary @"$work/large" \
    "$url/echo" | cmp - "$work/large" || fail "the echo of 20 MB, $how"
  grep -qi '^content-type: a/b' "$work/head" || fail "the type of the echo"
done
ask -d abc "$url/fields" && is '3 none' "$(told content-length) $(told transfer-encoding)" 'a body with its length'
ask -d abc -H 'Transfer-Encoding: chunked' "$url/fields"
is 'none chunked' "$(told content-length) $(told transfer-encoding)" 'a body without'
# A server that refuses a body before it has come is passed on, not its broken connection.
for how in 'X-None: 1' 'Transfer-Encoding: chunked' 'Expect: 100-continue'; do
  ask -H "$how" -T "$work/large" "$url/refuse"
  is '413 too large for us' "$status $body" "a refusal, $how"
done
if nginx=$(PATH=$PATH:/usr/sbin command -v nginx); then
  port=$(free_port)
  mkdir "$work/spool"
  cat >"$work/nginx.conf" <<CONF
daemon off; master_process off; pid $work/nginx.pid; error_log stderr notice;
events {}
http {
  access_log off; client_body_temp_path $work/spool; proxy_temp_path $work/spool;
  fastcgi_temp_path $work/spool; uwsgi_temp_path $work/spool; scgi_temp_path $work/spool;
  client_max_body_size 1k;
  server { listen 127.0.0.1:$port; location / { return 200 "taken"; } }
}
CONF
  start nginx "$nginx" -c "$work/nginx.conf" -p "$work" -e stderr
  until curl -s -o "$work/body" "http://127.0.0.1:$port/"; do # it does not say when
    kill -0 "${pid_of[nginx]}" || fail "nginx has ended"
  done
  proxy guarded "http://127.0.0.1:$port"
  for how in 'X-None: 1' 'Expect: 100-continue'; do
    ask -H "$how" -T "$work/large" "http://$address/x"
    is 413 "$status" "nginx' refusal, $how"
  done
  signal TERM guarded && ends guarded 143
  signal TERM nginx && ends nginx
fi
# Nobody asks for, or undoes, a compression that the client did not.
ask "$url/fields" && is none "$(told accept-encoding)" Accept-Encoding
ask "$url/zipped" -H 'Accept-Encoding: gzip'
grep -qi '^content-encoding: gzip' "$work/head" || fail "/zipped: $(cat "$work/head")"
is zipped "$(gunzip <"$work/body")" /zipped
# A piece comes through before there is another.
start pieces curl -sS -N --max-time 60 "$url/pieces"
says pieces '^first$'
ask "$url/more" && is 204 "$status" "/more"
says pieces '^second$' && ends pieces

# -- faults ------------------------------------------------------------------------------------------------
start half curl -sS --max-time 60 "$url/half" && ends half 18 # it says that a part is missing
[[ $rest == *half* ]] || fail "/half: $rest"
behind mute upstream.py
proxy other "http://127.0.0.1:$port" --timeout 1
ask "http://$address/silence" && is 504 "$status" 'a server that is silent'
says other '^reverse_proxy: GET http://127.*/silence: head: '
signal TERM mute && ends mute 143
ask "http://$address/" && is 502 "$status" 'a server that has gone'
[[ $body != *127.0.0.1* ]] || fail "502 tells where the servers are: $body"
signal TERM other && ends other 143
# In turn: one of two is there.
proxy both "http://127.0.0.1:$port" "http://$upstream"
ask "http://$address/nowhere" && first=$status
ask "http://$address/nowhere" && is '502 404' "$first $status" 'two servers'
signal TERM both && ends both 143

# -- WebSockets --------------------------------------------------------------------------------------------
behind echo websocket_echo.py
proxy sockets "http://127.0.0.1:$port"
start client /usr/bin/python3 "$here/peers/websocket_lines.py" "ws://$address/x" hello 'grüß dich'
says client '^open$' && says client '^None: hello$' && says client '^None: grüß dich$'
signal TERM client && says client '^closed 1000 *$' && ends client
start client /usr/bin/python3 "$here/peers/websocket_lines.py" "ws://$address/x" bye
says client '^closed 4001 as you wish$' && ends client
start client /usr/bin/python3 "$here/peers/websocket_lines.py" --protocol echo "ws://$address/x" hello
says client '^echo: hello$'
signal KILL echo && ends echo 137
says client '^closed 1014 ' && ends client
upgrade=(-H 'Connection: Upgrade' -H 'Upgrade: websocket' -H 'Sec-WebSocket-Version: 13'
  -H 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==')
ask "${upgrade[@]}" "http://$address/" && is 502 "$status" 'a WebSocket to nobody'
ask "${upgrade[@]}" "$url/nowhere" && is 404 "$status" 'a WebSocket that is refused'
ask "${upgrade[@]}" "$url/fields" && is 502 "$status" 'a server that knows of none'
ask --http2 "$url/fields" && is '200 none' "$status $(told upgrade)" 'another protocol'

signal TERM sockets && ends sockets 143
signal TERM proxy && ends proxy 143
signal TERM upstream && ends upstream 143
