#!/usr/bin/env bash
# tutorial_browser_test.sh SAMPLES: the lessons with a page, 32 and 33, in a browser.
set -euo pipefail
# shellcheck source=tests/samples/processes.bash
source "$(dirname "$(readlink -f "$0")")/processes.bash"
here=$(dirname "$(readlink -f "$0")")
lessons=$1/tutorial
command -v chromium >/dev/null || { echo "there is no chromium"; exit 77; }

start websocket "$lessons/32_websocket" --port 0
says websocket '^at (127\.0\.0\.1:[0-9]+)$' && websocket=${BASH_REMATCH[1]}
start chat "$lessons/33_chat" --port 0
says chat '^at (127\.0\.0\.1:[0-9]+)$' && chat=${BASH_REMATCH[1]}
run /usr/bin/python3 "$here/peers/browse_lessons.py" "http://$websocket/" "http://$chat/"
signal TERM websocket && ends websocket 143
signal TERM chat && ends chat 143
