#!/usr/bin/env bash
# web_box_office_test.sh SAMPLES: tickets are sold and taken back, no seat twice, as curl sees it; the
# database hangs, goes and comes back.
set -euo pipefail
# shellcheck source=tests/samples/processes.bash
source "$(dirname "$(readlink -f "$0")")/processes.bash"
office=$1/web/box_office
[ -x "$office" ] || { echo "there is no box_office: no libpq, or a sanitizer"; exit 77; }
PATH=$PATH:$(echo /usr/lib/postgresql/*/bin | tr ' ' :)
for program in postgres wrk; do
  command -v $program >/dev/null || { echo "there is no $program"; exit 77; }
done

postgres_port=$(free_port)
start_postgres() {
  start postgres as_nobody postgres -D "$work/cluster/data" -p "$postgres_port" \
    -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off
  says postgres 'database system is ready to accept connections'
}
stop_postgres() { # SIGNAL
  kill "-$1" "$(head -n 1 "$work/cluster/data/postmaster.pid")"
  ends postgres
}
postgres_pids() { # the server, and those of its sessions
  local first
  first=$(head -n 1 "$work/cluster/data/postmaster.pid")
  echo "$first $(pgrep -P "$first" | tr '\n' ' ')"
}
asks() { # STATUS ANSWER CURL-ARGUMENT...: '*' in ANSWER: whatever
  local status=$1 wanted=$2 got
  shift 2
  got=$(curl -sS --max-time 60 -w '%{http_code} ' -o "$work/body" "$@")$(cat "$work/body")
  # shellcheck disable=SC2053 # a pattern
  [[ $got == "$status $wanted" || ($wanted == *\** && $got == "$status "$wanted) ]] ||
    fail "curl $*: '$got', not '$status $wanted'"
}
sells() { # HOW-OFTEN SHOW: that many orders at once, of a seat each; sets `sold` and `refused`
  for _ in $(seq "$1"); do printf 'url = %s\noutput = /dev/null\n' "$url/shows/$2/tickets"; done |
    curl -sS -Z --no-progress-meter --max-time 60 -w '%{http_code}\n' \
      --json '{"customer":"many","seats":1}' -K - >"$work/statuses"
  sold=$(grep -c 201 "$work/statuses" || true)
  refused=$(grep -c 409 "$work/statuses" || true)
}

make_cluster "$work/cluster"
start_postgres
start office "$office" --port 0 --database "host=127.0.0.1 port=$postgres_port user=grove dbname=postgres"
says office '^box_office: at (127\.0\.0\.1:[0-9]+)$' && url=http://${BASH_REMATCH[1]}

# -- shows and tickets -------------------------------------------------------------------------------
asks 200 '[]' "$url/shows"
asks 201 '{"id":1,"name":"Hamlet","seats":10,"free":10}' --json '{"name":"Hamlet","seats":10}' "$url/shows"
asks 201 '{"id":1,"customer":"ann","seats":3}' --json '{"customer":"ann","seats":3}' "$url/shows/1/tickets"
asks 201 '{"id":2,"customer":"bob","seats":7}' --json '{"customer":"bob","seats":7}' "$url/shows/1/tickets"
asks 409 '*"there are 0 seats left"*' --json '{"customer":"eve","seats":1}' "$url/shows/1/tickets"
asks 204 '' -X DELETE "$url/shows/1/tickets/1"
asks 404 '*"there is no ticket 1"*' -X DELETE "$url/shows/1/tickets/1"
asks 200 '{"id":1,"name":"Hamlet","seats":10,"free":3}' "$url/shows/1"
asks 200 '[{"id":1,"name":"Hamlet","seats":10,"free":3}]' "$url/shows"
asks 404 '*"there is no show 7"*' "$url/shows/7"
asks 404 '*"there is no show 7"*' --json '{"customer":"eve","seats":1}' "$url/shows/7/tickets"
asks 404 '*"status":404*' "$url/shows/seven"
asks 400 '*"status":400*' --json '{"name":"Lear"}' "$url/shows"
asks 422 '*"status":422*' --json '{"name":"Lear","seats":0}' "$url/shows"
asks 422 '*"status":422*' --json '{"name":"a\u0000b","seats":1}' "$url/shows"
asks 201 '*"O'\''Neill; drop table shows --"*' --json '{"name":"O'\''Neill; drop table shows --","seats":1}' "$url/shows"

# -- many at once: each seat is sold once ------------------------------------------------------------------
asks 201 '{"id":3,*' --json '{"name":"Macbeth","seats":60}' "$url/shows"
sells 100 3
[ "$sold $refused" = '60 40' ] || fail "of 60 seats $sold were sold, and $refused refused"
asks 200 '*"free":0}' "$url/shows/3"

# -- the database hangs: others are told so in time, and nothing is lost ----------------------------------------
asks 201 '{"id":4,*' --json '{"name":"Lear","seats":100}' "$url/shows"
asks 200 '*"free":100}' "$url/shows/4"
for pid in $(postgres_pids); do kill -STOP "$pid"; done
asks 503 '*' --json '{"customer":"ann","seats":1}' "$url/shows/4/tickets"
asks 200 '*"free":3}' "$url/shows/1" # what an actor knows it need not ask for
for pid in $(postgres_pids); do kill -CONT "$pid"; done
asks 201 '*' --json '{"customer":"ann","seats":1}' "$url/shows/4/tickets"
says office '^box_office: the database takes too long$'

# -- it goes, in the middle of many orders, and comes back -----------------------------------------------------
sells 30 4 &
stop_postgres INT
wait $!
asks 503 '*"the database does not answer"*' --json '{"customer":"ann","seats":1}' "$url/shows/4/tickets"
asks 503 '*' "$url/shows"
start_postgres
# The show has forgotten what it knew, and reads the truth.
asks 200 '*"id":4,*' "$url/shows/4"
in_database() { psql -h 127.0.0.1 -p "$postgres_port" -U grove -d postgres -Atc "$1"; }
asks 200 "*\"free\":$(in_database 'select 100 - sum(seats) from tickets where show = 4')}" "$url/shows/4"
[ "$(in_database 'select free from shows where id = 4')" = "$(in_database 'select 100 - sum(seats) from tickets where show = 4')" ] ||
  fail 'the database contradicts itself'
asks 201 '*' --json '{"customer":"ann","seats":1}' "$url/shows/4/tickets"
asks 200 "*\"free\":$(in_database 'select 100 - sum(seats) from tickets where show = 4')}" "$url/shows/4"

# -- under load: 64 clients look and buy as fast as they can -------------------------------------------------------
asks 201 '{"id":5,*' --json '{"name":"Faust","seats":1000000}' "$url/shows"
cat >"$work/orders.lua" <<'LUA'
local here
local asked = 0
tickets, busy, bad = "", 0, 0
function setup(thread) here = thread end
function request()
  asked = asked + 1
  if asked % 4 > 0 then return wrk.format("GET", "/shows/5") end
  return wrk.format("POST", "/shows/5/tickets", {["Content-Type"] = "application/json"},
                    '{"customer":"wrk","seats":2}')
end
function response(status, headers, body)
  if status == 201 then
    tickets = tickets .. body:match('"id":(%d+)') .. "\n"
  elseif status == 503 then -- it may have been bought all the same
    busy = busy + 1
  elseif status ~= 200 then
    bad = bad + 1
  end
end
function done(summary)
  local errors = summary.errors
  io.write(string.format("answered %d in %.2f s, busy %d, bad %d\n", summary.requests, summary.duration / 1e6,
                         here:get("busy"), here:get("bad") + errors.connect + errors.read + errors.write))
  io.write("tickets\n", here:get("tickets"))
end
LUA
wrk -t1 -c64 -d3 --timeout 60s -s "$work/orders.lua" "$url" >"$work/load"
load=$(grep '^answered' "$work/load")
sed '1,/^tickets$/d' "$work/load" | sort -n >"$work/tickets"
sold=$(wc -l <"$work/tickets")
echo "under load: $load, $sold tickets"
[[ $load =~ ^answered\ [1-9].*\ busy\ ([0-9]+),\ bad\ 0$ ]] || fail "under load: $load"
unheard=$((BASH_REMATCH[1] + 64)) # at most: wrk hangs up on the last
((sold > 0)) || fail 'no ticket was sold under load'
[ -z "$(uniq -d "$work/tickets")" ] || fail 'a ticket was sold twice'
signal TERM office && ends office 143
in_database 'select id from tickets where show = 5' | sort -n >"$work/books"
[ -z "$(comm -23 <(sort "$work/tickets") <(sort "$work/books"))" ] || fail 'a ticket that was sold is not in the books'
booked=$(wc -l <"$work/books")
((booked <= sold + unheard)) || fail "$sold tickets were sold, and $booked booked"
[ "$(in_database 'select free = 1000000 - (select sum(seats) from tickets where show = 5) from shows where id = 5')" = t ] ||
  fail 'the database contradicts itself'
stop_postgres INT
