#!/usr/bin/env bash
# glb_test.sh SAMPLES: ports are handed out, told of and given back, as curl and a WebSocket see it;
# Redis goes and comes back.
set -euo pipefail
# shellcheck source=tests/samples/processes.bash
source "$(dirname "$(readlink -f "$0")")/processes.bash"
here=$(dirname "$(readlink -f "$0")")
glb=$1/glb
[ -x "$glb" ] || { echo "there is no glb: no hiredis, or a sanitizer"; exit 77; }
command -v redis-server >/dev/null || { echo "there is no redis-server"; exit 77; }

redis_port=$(free_port)
start_redis() {
  start redis redis-server --port "$redis_port" --bind 127.0.0.1 --dir "$work" --save "" --appendonly yes
  says redis 'Ready to accept connections'
}
asks() { # STATUS ANSWER CURL-ARGUMENT...: what curl is answered with; '*' in ANSWER: whatever
  local status=$1 wanted=$2 got
  shift 2
  got=$(curl -sS --max-time 30 -w '%{http_code} ' -o "$work/body" "$@")$(cat "$work/body")
  # shellcheck disable=SC2053 # a pattern
  [[ $got == "$status $wanted" || ($wanted == *\** && $got == "$status "$wanted) ]] || fail "curl $*: '$got', not '$status $wanted'"
}
problem() { # TITLE STATUS DETAIL: how errors look
  printf '{"title":"%s","status":%s,"detail":"%s"}' "$@"
}

# -- the options, as the notes have them ------------------------------------------------------------
run "$glb" --help
for option in '-h,--host-port' '0.0.0.0 5000' '-r,--redis' '127.0.0.1 6379 0' '-p,--port-range' '50000 61000'; do
  [[ $rest == *"$option"* ]] || fail "--help does not tell '$option': $rest"
done
for wrong in "--port-range 5" "-p 0 70000" "-p 50000 49999" "-r localhost"; do
  # shellcheck disable=SC2086 # words
  start wrong "$glb" $wrong
  ends wrong 2
done

# -- Redis may come later ---------------------------------------------------------------------------
start glb "$glb" -h 127.0.0.1 0 -r 127.0.0.1 "$redis_port" 3 -p 50000 50002
says glb '^----GLB Server run at 127\.0\.0\.1:([0-9]+)-----$' && port=${BASH_REMATCH[1]}
says glb "^----Redis Server run at 127\.0\.0\.1:$redis_port:3-----\$"
v1=http://127.0.0.1:$port/v1
asks 503 "$(problem 'Service Unavailable' 503 "redis 127.0.0.1:$redis_port: Connection refused")" "$v1/ports"
start listener /usr/bin/python3 "$here/peers/websocket_lines.py" "ws://127.0.0.1:$port/websocket"
says listener '^open$'
says listener '^\{"event":"redis","up":false\}$'
start_redis
says listener '^\{"event":"ports","ports":\[\]\}$'

# -- as a newcomer would see it --------------------------------------------------------------------
start fresh "$glb" -h localhost 0 -r 127.0.0.1 "$redis_port" 5
says fresh 'GLB Server run at localhost:([0-9]+)-----$'
"$here/../../samples/glb/demo.sh" "http://127.0.0.1:${BASH_REMATCH[1]}" | diff "$here/../transcripts/28_glb.txt" - ||
  fail "the demo"
signal TERM fresh && ends fresh 143

# -- ports come and go ------------------------------------------------------------------------------
asks 200 '{"range":[50000,50002],"ports":[]}' "$v1/ports"
asks 201 '{"port":50000,"service":"web"}' --json '{"service":"web"}' "$v1/ports"
says listener '^\{.*"assigned".*\}$'
[[ ${BASH_REMATCH[0]} == *'"port":50000'* ]] || fail "no news of 50000"
asks 201 '{"port":50001,"service":"mail"}' --json '{"service":"mail"}' "$v1/ports"
[ "$(curl -sS -D - -o /dev/null --json '{"service":"mail"}' "$v1/ports" | tr -d '\r' | sed -n 's/^Location: //p')" = /v1/ports/50002 ] ||
  fail "no Location"
asks 503 "$(problem 'Service Unavailable' 503 'all ports are taken')" --json '{"service":"web"}' "$v1/ports"
asks 200 '{"port":50001,"service":"mail"}' "$v1/ports/50001"
asks 204 '' -X DELETE "$v1/ports/50001"
says listener '^\{.*"released".*\}$'
[[ ${BASH_REMATCH[0]} == *'"service":"mail"'* ]] || fail "no news of mail"
asks 404 "$(problem 'Not Found' 404 'nobody has port 50001')" "$v1/ports/50001"
asks 404 "$(problem 'Not Found' 404 'nobody has port 50001')" -X DELETE "$v1/ports/50001"
asks 200 '{"range":[50000,50002],"ports":[{"port":50000,"service":"web"},{"port":50002,"service":"mail"}]}' "$v1/ports"
asks 201 '{"port":50001,"service":"web"}' --json '{"service":"web"}' "$v1/ports"

# -- what is wrong is told in JSON -----------------------------------------------------------------------
asks 400 '*"title":"Bad Request"*' --json '{"service":' "$v1/ports"
asks 400 '*"title":"Bad Request"*' --json '{"name":"web"}' "$v1/ports"
asks 422 '*"status":422*' --json '{"service":"a b"}' "$v1/ports"
asks 415 '*"status":415*' -d 'service=web' "$v1/ports"
asks 404 '*"status":404*' "$v1/ports/many"
asks 405 '*"status":405*' -X PUT "$v1/ports"
asks 404 '*"status":404*' "http://127.0.0.1:$port/"
asks 400 '*"status":400*' "http://127.0.0.1:$port/websocket"

# -- Redis goes, and comes back, several times -------------------------------------------------------------
for signal in KILL TERM; do
  signal $signal redis && ends redis "$([ $signal = KILL ] && echo 137 || echo 0)"
  says listener '^\{"event":"redis","up":false\}$'
  asks 503 '*Connection refused*' "$v1/ports"
  start_redis
  says listener '^\{"event":"ports","ports":\[.*"port":50002.*\]\}$' # it has them from its file
  asks 200 '{"port":50000,"service":"web"}' "$v1/ports/50000"
done
# One that hangs is waited for two seconds.
signal STOP redis
asks 503 '*no answer in time*' "$v1/ports"
signal CONT redis
asks 200 '{"port":50000,"service":"web"}' "$v1/ports/50000"

# -- many at once: nobody gets the port of another ------------------------------------------------------------
start other "$glb" -h 127.0.0.1 0 -r 127.0.0.1 "$redis_port" 4 -p 40000 40099
says other 'GLB Server run at 127\.0\.0\.1:([0-9]+)-----$' && other=http://127.0.0.1:${BASH_REMATCH[1]}/v1/ports
start another "$glb" -h 127.0.0.1 0 -r 127.0.0.1 "$redis_port" 4 -p 40000 40099
says another 'GLB Server run at 127\.0\.0\.1:([0-9]+)-----$' && another=http://127.0.0.1:${BASH_REMATCH[1]}/v1/ports
for url in "$other" "$another"; do
  for _ in $(seq 50); do echo "url = $url"; done
done | curl -sS --max-time 60 -Z --no-progress-meter --json '{"service":"web"}' -K - >"$work/answers"
[ "$(grep -o '"port":[0-9]*' <"$work/answers" | sort -u | wc -l)" = 100 ] || fail "a port was given twice"
asks 503 '*all ports are taken*' --json '{"service":"web"}' "$another"

signal TERM listener
says listener '^closed 1000'
ends listener 0
signal TERM glb && ends glb 143
signal TERM other && ends other 143
signal TERM another && ends another 143
signal TERM redis && ends redis 0
