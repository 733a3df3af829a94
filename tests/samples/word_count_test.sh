#!/usr/bin/env bash
# word_count_test.sh SAMPLES: word_count agrees with the shell pipeline on any text; what is wrong is
# named; nothing is left behind. With GROVE_LARGE_FILE=1 also the race against the shell on 200 MB.
set -euo pipefail
word_count=$1/word_count
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

fail() {
  echo "FAILED: $*"
  exit 1
}

# The pipeline of --help.
shell() { # WORDS TOP FILE...
  local words=$1 top=$2
  shift 2
  (
    export LC_ALL=C
    case $words in
    space) cat "$@" | tr -s '[:space:]' '\n' ;;
    *) cat "$@" | tr -cs "[:$words:]" '\n' ;;
    esac | sed '/^$/d' | sort | uniq -c | sort -rn |
      if [ "$top" = 0 ]; then cat; else sed -n "1,${top}p"; fi
  )
}

counts() { # WORDS TOP OPTION... -- FILE...: equal to the pipeline
  local words=$1 top=$2 options=()
  shift 2
  while [ "$1" != -- ]; do options+=("$1") && shift; done
  shift
  timeout 100 "$word_count" --words "$words" --top "$top" "${options[@]}" "$@" >got 2>err ||
    fail "$words ${options[*]} $*: status $?: $(cat err)"
  shell "$words" "$top" "$@" >wanted
  cmp got wanted || fail "$words ${options[*]} $*: not what the shell counts"
}

ends_with() { # STATUS WORD COMMAND...: that status, that word on stderr, nothing on stdout
  local wanted=$1 word=$2 status=0
  shift 2
  timeout 60 "$@" >got 2>err || status=$?
  [[ $status = "$wanted" ]] || fail "${*:2}: status $status: $(cat err)"
  grep -q -e "$word" err || fail "${*:2}: it says: $(cat err)"
  [ ! -s got ] || fail "${*:2}: it printed a result"
}

# -- any text -------------------------------------------------------------------------------------

licences=(/usr/share/common-licenses/*)
if [ -e "${licences[0]}" ]; then
  counts alnum 0 -- "${licences[@]}"
  counts alnum 10 --processes -- "${licences[@]}"
  counts space 0 --workers 1 -- "${licences[@]}"
  counts alpha 100 --workers 3 -- "${licences[@]}"
  timeout 60 "$word_count" "${licences[@]}" 2>err >got || fail "defaults: $(cat err)"
  shell alnum 10 "${licences[@]}" | cmp - got || fail "the defaults are the ten first of alnum"
fi

# Binary bytes, long words, no newline at the end; words that go on in the next file; words that end
# around every border between chunks.
awk 'BEGIN {
  srand(4)
  for (i = 0; i < 200000; ++i) {
    r = rand()
    if (r < 0.0005) { for (j = rand() * 20; j > 0; --j) printf "%05000d", 0; printf "\n" }
    else printf "%x%s", int(rand() * 2 ^ (rand() * 30)), substr(" \n.\t-", 1 + int(rand() * 5), 1)
  }
  printf "tail" }' >text
head -c 300000 "$word_count" >binary
run_of() { head -c "$2" /dev/zero | tr '\0' "$1"; } # CHARACTER LENGTH
run_of z 700000 >long
printf ' of the long one' >rest
: >empty
chunk=$((64 * 1024)) # as in the program
for n in -2 -1 0 1 2; do
  run_of a $((chunk + n))
  printf ' '
  run_of b $((2 * chunk + n))
  printf '\n'
done >edges
for words in alnum alpha space; do
  counts $words 0 --workers 1 -- text binary empty long rest edges
  counts $words 0 --workers 3 -- edges binary text long text empty
done
counts space 0 --workers 3 --processes -- text binary empty long rest edges
counts alnum 0 -- empty

mkfifo pipe
(
  sleep 0.2
  cat text >pipe
) &
timeout 60 "$word_count" --top 0 pipe >got 2>err || fail "a pipe: $(cat err)"
shell alnum 0 text | cmp - got || fail "a pipe: not what the shell counts"
wait

# -- what is wrong --------------------------------------------------------------------------------

ends_with 2 --bogus "$word_count" --bogus text
ends_with 2 FILE "$word_count"
ends_with 2 --workers "$word_count" --workers 0 text
ends_with 2 --words "$word_count" --words long text
ends_with 2 --top "$word_count" --top -1 text
ends_with 2 --port "$word_count" --port 65535 text
ends_with 1 "nowhere: No such file" "$word_count" text nowhere
ends_with 1 "$work: Is a directory" "$word_count" text "$work"
if [ "$(id -u)" != 0 ]; then
  cp text locked
  chmod 0 locked
  ends_with 1 "locked: Permission denied" "$word_count" locked
fi
status=0
"$word_count" --top 0 text >/dev/full 2>err || status=$?
[ $status = 1 ] || fail "a full disk: status $status"
grep -q "No space left" err || fail "a full disk: $(cat err)"

# A run that goes on until its pipe is closed, with its ports taken and its workers at work.
children() { pgrep -P "$1" || true; }
eventually() { # COMMAND...
  local tries
  for ((tries = 0; tries < 200; ++tries)); do
    if "$@"; then return; fi
    sleep 0.05
  done
  fail "never: $*"
}
has_children() { [ "$(children "$running" | wc -l)" = 2 ]; }
are_gone() { ! kill -0 "$@" 2>/dev/null; }
start() { # OPTION...
  exec 7<>pipe
  "$word_count" "$@" pipe >out 2>err.running &
  running=$!
  eventually grep -q "chunks leave from" err.running
}
stop() { # SIGNAL STATUS
  local status=0
  if [ "$1" != none ]; then kill -s "$1" "$running"; fi
  wait "$running" || status=$?
  [ $status = "$2" ] || fail "$1: status $status, not $2: $(cat err.running)"
  [ ! -s out ] || fail "$1: it printed a result"
  exec 7>&-
}

start
port=$(sed -n 's/.*leave from tcp:\/\/127.0.0.1:\([0-9]*\),.*/\1/p' err.running)
ends_with 1 "port $port is in use.*--port" "$word_count" --port "$port" text
stop INT 130

for end in INT:130 TERM:143 KILL:137; do
  start --processes
  eventually has_children
  mapfile -t workers < <(children "$running")
  stop "${end%:*}" "${end#*:}"
  for worker in "${workers[@]}"; do eventually are_gone "$worker"; done
done

start --processes
eventually has_children
mapfile -t workers < <(children "$running")
kill -s KILL "${workers[1]}"
stop none 1
grep -q "worker 2 (process ${workers[1]}) was killed by signal 9" err.running ||
  fail "a dead worker: $(cat err.running)"
eventually are_gone "${workers[0]}"

# -- speed and memory -----------------------------------------------------------------------------

if [ -n "${GROVE_LARGE_FILE:-}" ]; then
  awk 'BEGIN { srand(6)
    for (size = 0; size < 200000000; size += length(line) + 1) {
      line = ""
      for (i = 0; i < 12; ++i) line = line sprintf("%x ", int(2 ^ (rand() * 18)) * 40503 % 16777213)
      print line
    } }' >large
  begin=$(date +%s%N)
  shell alnum 20 large >wanted
  shell_took=$((($(date +%s%N) - begin) / 1000000))
  for how in --workers=2 --processes; do
    begin=$(date +%s%N)
    "$word_count" $how --top 20 large >got 2>err &
    pid=$!
    peak=0
    while kill -0 $pid 2>/dev/null; do
      now=$(awk '/^VmHWM/ {print $2}' /proc/$pid/status 2>/dev/null || true)
      peak=${now:-$peak}
      sleep 0.05
    done
    wait $pid || fail "200 MB: $(cat err)"
    took=$((($(date +%s%N) - begin) / 1000000))
    cmp got wanted || fail "200 MB: not what the shell counts"
    echo "200 MB, $how: $took ms, peak $peak KiB; the shell: $shell_took ms"
    ((2 * took <= shell_took)) || fail "200 MB: not twice as fast as the shell"
    ((peak < 80 * 1024)) || fail "200 MB: $peak KiB for a dictionary of a quarter million words"
  done
fi
