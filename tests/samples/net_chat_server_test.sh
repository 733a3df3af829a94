#!/usr/bin/env bash
# net_chat_server_test.sh SAMPLES: who says what to whom, and who is thrown out.
set -euo pipefail
# shellcheck source=tests/samples/processes.bash
source "$(dirname "$(readlink -f "$0")")/processes.bash"

start server "$1/net/chat_server" --port 0
says server 'at 127\.0\.0\.1:([0-9]+)$' && port=${BASH_REMATCH[1]}

enters() { # NAME: its connection is ${member[NAME]}
  local fd
  exec {fd}<>"/dev/tcp/127.0.0.1/$port"
  member[$1]=$fd
  hears "$1" 'Your name?'
  echo "$1" >&"$fd"
}
tells() { # NAME TEXT
  echo "$2" >&"${member[$1]}"
}
hears() { # NAME LINE
  local line=
  read -r -t 20 -u "${member[$1]}" line || fail "$1 hears nothing, not '$2'"
  [ "$line" = "$2" ] || fail "$1 hears '$line', not '$2'"
}
declare -A member=()

enters ann && hears ann '* hello, ann: there are 1 of you'
enters bob && hears bob '* hello, bob: there are 2 of you'
hears ann '* bob is here'
tells ann 'hello there' && hears bob 'ann: hello there'
tells bob 'hello, ann' && hears ann 'bob: hello, ann'
# One name, one member.
exec {other}<>"/dev/tcp/127.0.0.1/$port"
echo bob >&"$other"
[[ $(timeout 20 cat <&"$other") == *'there is a bob already'* ]] || fail "a second bob"
exec {other}>&-
# A line that is too long ends its member, and nobody else.
enters eve && hears eve '* hello, eve: there are 3 of you'
hears ann '* eve is here' && hears bob '* eve is here'
head -c 5000 /dev/zero | tr '\0' x >&"${member[eve]}"
hears ann '* eve has gone' && hears bob '* eve has gone'
# By nc, which just goes.
printf 'dan\nbye\n' | timeout 20 nc -N 127.0.0.1 "$port" >/dev/null
hears ann '* dan is here' && hears ann 'dan: bye' && hears ann '* dan has gone'
signal TERM server && ends server 143
