#!/usr/bin/env bash
# demo.sh [URL]: talks to a glb that has just been started with an empty Redis, by curl.
set -euo pipefail
url=${1:-http://127.0.0.1:5000}

ask() { # METHOD PATH [JSON]
  echo "$*"
  curl -sS -X "$1" ${3:+--json "$3"} -w '\n  %{http_code}\n' "$url$2" | sed '/^$/d; s/^{/  {/'
}

ask POST /v1/ports '{"service":"web"}'
ask POST /v1/ports '{"service":"mail"}'
ask GET /v1/ports/50001
ask GET /v1/ports
ask DELETE /v1/ports/50000
ask GET /v1/ports/50000
ask POST /v1/ports '{"service":"web"}' # in turn: what was just given back comes last
ask POST /v1/ports '{"name":"web"}'
ask PUT /v1/ports '{"service":"web"}'
ask GET /v2/ports
