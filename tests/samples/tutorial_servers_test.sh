#!/usr/bin/env bash
# tutorial_servers_test.sh SAMPLES: the lessons that serve, seen by nc, curl and a WebSocket of
# Python's; 32 and 33 in a browser: see tutorial_browser_test.sh.
set -euo pipefail
# shellcheck source=tests/samples/processes.bash
source "$(dirname "$(readlink -f "$0")")/processes.bash"
here=$(dirname "$(readlink -f "$0")")
lessons=$1/tutorial
transcripts=$here/../transcripts

# 27: what nc sees, byte for byte, then the end.
start server "$lessons/27_stream_server" --port 0
says server '^at 127\.0\.0\.1:([0-9]+)$' && port=${BASH_REMATCH[1]}
for _ in 1 2 3; do
  timeout 20 nc 127.0.0.1 "$port" </dev/null | cmp - "$transcripts/27_stream_server_nc.txt" ||
    fail "27_stream_server"
done
signal TERM server && ends server 143

# 22: two clients at once never see each other's request.
start server "$lessons/22_request_local" --port 0
says server '^at 127\.0\.0\.1:([0-9]+)$' && port=${BASH_REMATCH[1]}
asks() { # ADDRESS: so many times, from that address
  local answer
  for _ in 1 2 3 4 5 6 7 8 9 10; do
    answer=$(curl -sS --max-time 20 --interface "$1" "http://127.0.0.1:$port/")
    [ "$answer" = "Hello $1" ] || fail "22_request_local: $1 gets '$answer'"
  done
}
asks 127.0.0.1 &
one=$!
asks 127.0.0.2 &
two=$!
wait $one || fail "22_request_local"
wait $two || fail "22_request_local"
signal TERM server && ends server 143

# 30: two chunks.
start server "$lessons/30_streaming" --port 0
says server '^at (127\.0\.0\.1:[0-9]+)$' && url=http://${BASH_REMATCH[1]}/
curl -sS --raw --max-time 20 "$url" | cmp - "$transcripts/30_streaming_curl.txt" || fail "30_streaming"
signal TERM server && ends server 143

# 31: a line a second; the one who reads is told, others wait.
start server "$lessons/31_long_poll" --port 0
says server '^at (127\.0\.0\.1:[0-9]+)$' && url=http://${BASH_REMATCH[1]}/
begin=$(date +%s%N)
start curl curl -sS -N -D "$work/head" --max-time 60 "$url"
for _ in 1 2 3; do says curl '^"Hello World"$'; done
took=$((($(date +%s%N) - begin) / 1000000))
((took >= 1900)) || fail "31_long_poll: three lines in $took ms"
grep -qi '^content-type: application/json' "$work/head" || fail "31_long_poll: $(cat "$work/head")"
signal TERM curl && ends curl 143
start curl curl -sS -N --max-time 60 "$url" # the first one has gone: the server goes on
says curl '^"Hello World"$'
signal TERM server && ends server 143
ends curl 18 # it was told that this is not the end

# 32: numbers, every half second, to each; a client that goes is noticed.
start server "$lessons/32_websocket" --port 0
says server '^at (127\.0\.0\.1:[0-9]+)$' && address=${BASH_REMATCH[1]}
[[ $(curl -sS --max-time 20 "http://$address/") == *'<h1>WebSocket Example</h1>'* ]] || fail "32_websocket: no page"
for name in one two; do
  start $name /usr/bin/python3 "$here/peers/websocket_lines.py" "ws://$address/"
done
for name in one two; do
  for x in 0 1 2; do
    says $name '^\{"x":([0-9]+),"y":([0-9]+)\}$'
    ((BASH_REMATCH[1] == x && BASH_REMATCH[2] >= 1 && BASH_REMATCH[2] <= 5)) ||
      fail "32_websocket: ${BASH_REMATCH[0]}"
  done
  signal TERM $name && says $name '^closed 1000 *$' && ends $name
done
signal TERM server && ends server 143

# 33: a message reaches all of its room, and nobody else; the next one is waited for.
start server "$lessons/33_chat" --port 0
says server '^at (127\.0\.0\.1:[0-9]+)$' && url=http://${BASH_REMATCH[1]}
answers() { # STATUS CURL-ARGUMENT...: sets `body`
  local status=$1 got
  shift
  got=$(curl -sS --max-time 60 -o "$work/body" -w '%{http_code}' "$@")
  body=$(cat "$work/body")
  [ "$got" = "$status" ] || fail "curl $*: $got $body"
}
answers 200 "$url/"
[[ $body == *'<option>topic1</option><option>topic2</option>'* ]] || fail "33_chat: $body"
answers 404 "$url/nowhere/ann"
answers 404 -X POST "$url/poll/ann"
answers 404 --data-urlencode message=hello "$url/put/topic1/ann"
for place in topic1/ann topic1/bob topic2/eve; do answers 200 "$url/$place"; done
answers 400 -d text=hello "$url/put/topic1/ann"
start bob curl -sS --max-time 60 -w '\n' -X POST "$url/poll/bob" # it waits
answers 200 --data-urlencode 'message=hello <b>&amp; "bob"' "$url/put/topic1/ann"
[ -z "$body" ] || fail "33_chat: put answers '$body'"
says bob '^"ann:hello <b>&amp; \\"bob\\""$' && ends bob
answers 200 -d message=second "$url/put/topic1/bob"
answers 200 -X POST "$url/poll/ann"
[[ $body == '"ann:hello <b>&amp; \"bob\""' ]] || fail "33_chat: $body"
answers 200 -X POST "$url/poll/ann"
[[ $body == '"bob:second"' ]] || fail "33_chat: $body"
answers 200 "$url/topic1/dan"
[[ $body == *'<li>ann:hello &#60;b&#62;&#38;amp; &#34;bob&#34;</li><li>bob:second</li>'* ]] ||
  fail "33_chat: the backlog: $body"
answers 200 -X POST "$url/poll/eve"
[ "$body" = '[]' ] || fail "33_chat: eve hears $body" # after ten seconds
signal TERM server && ends server 143
