#!/usr/bin/env bash
# chat_test.sh SAMPLES: who comes, goes and reads what; what is no line of a chat is named.
set -euo pipefail
chat=$1/chat
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
  echo "FAILED: $*"
  exit 1
}

cat >"$work/script" <<'END'
# two rooms, three people
ann joins trees
bob joins trees
bob joins trees
ann says trees hello bob

cy joins birds
bob joins birds
bob says birds has anybody seen a heron?
cy says trees I only came to say this
ann leaves trees
ann leaves trees
bob says trees ANYBODY HERE?
cy says birds now it is quiet
cy quits
bob joins birds
bob says birds 12:30
END
cat >"$work/wanted" <<'END'
trees: ann joins, 1 here
trees: bob joins, 2 here
(bob is in trees already)
  bob reads in trees: ann: hello bob
birds: cy joins, 1 here
birds: bob joins, 2 here
  cy reads in birds: bob: has anybody seen a heron?
  ann reads in trees: cy: I only came to say this
  bob reads in trees: cy: I only came to say this
trees: ann leaves, 1 here
(ann is not in trees)
trees: bob is thrown out for shouting
birds: bob leaves, 1 here
trees: bob leaves, 0 here
birds: cy leaves, 0 here
birds: bob joins, 1 here
END
timeout 60 "$chat" "$work/script" >"$work/got" || fail "status $?"
diff "$work/wanted" "$work/got" || fail "it says something else"
timeout 60 "$chat" <"$work/script" | cmp - "$work/wanted" || fail "from standard input"

refuses() { # TEXT LINE
  local status=0
  echo "$2" | timeout 60 "$chat" >"$work/out" 2>"$work/err" || status=$?
  [ $status = 1 ] || fail "$2: status $status"
  [ "$(cat "$work/err")" = "chat: line 1: $1" ] || fail "$2: it says: $(cat "$work/err")"
}
refuses "'ann sings trees'" "ann sings trees"
refuses "'ann says trees'" "ann says trees"
refuses "'ann joins'" "ann joins"
refuses "'ann joins trees now'" "ann joins trees now"
refuses "'ann'" "ann"
