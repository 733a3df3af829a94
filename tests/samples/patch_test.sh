#!/usr/bin/env bash
# patch_test.sh SAMPLES: the programs of samples/patch against servers that are started here.
set -euo pipefail
# shellcheck source=tests/samples/processes.bash
source "$(dirname "$(readlink -f "$0")")/processes.bash"
samples=$1/patch

has() { # PROGRAM SAMPLE
  if command -v "$1" >/dev/null && [ -x "$samples/$2" ]; then return 0; fi
  echo "without $2: there is no $1, or no library to build it with"
  return 1
}
PATH=$PATH:/usr/sbin:$(echo /usr/lib/postgresql/*/bin | tr ' ' :)

if has redis-server redis_bench; then
  port=$(free_port)
  mkdir "$work/redis_folder"
  start redis redis-server --port "$port" --bind 127.0.0.1 --save "" --dir "$work/redis_folder"
  says redis 'Ready to accept connections'
  run "$samples/redis_bench" --port "$port" --greenlets 100 --requests 1000
  [[ $rest =~ ^redis_bench:\ 1000\ answers\ to\ 100\ greenlets ]] || fail "redis_bench: $rest"
  signal INT redis && ends redis 0
fi

if has postgres postgres_pool; then
  port=$(free_port)
  make_cluster "$work/cluster"
  start postgres as_nobody postgres -D "$work/cluster/data" -p "$port" -c listen_addresses=127.0.0.1 \
    -c unix_socket_directories= -c fsync=off
  says postgres 'database system is ready to accept connections'
  run "$samples/postgres_pool" --where "host=127.0.0.1 port=$port user=grove dbname=postgres" \
    --connections 5 --greenlets 20
  [ "$rest" = "postgres_pool: 20 answers over 5 connections, at most 5 queries at a time" ] ||
    fail "postgres_pool: $rest"
  kill -INT "$(head -n 1 "$work/cluster/data/postmaster.pid")" && ends postgres 0
fi

# Both downloaders: libcurl's, patched, and the native one.
if has nginx downloader; then
  port=$(free_port)
  mkdir "$work/nginx_folder"
  {
    echo "daemon off; worker_processes 1; pid $work/nginx_folder/pid;"
    if [ "$(id -u)" = 0 ]; then echo "user root;"; fi
    echo "error_log stderr notice; events { worker_connections 64; } http { access_log off;"
    for name in client_body proxy fastcgi uwsgi scgi; do
      echo "${name}_temp_path $work/nginx_folder/$name;"
    done
    echo "server { listen 127.0.0.1:$port; location /hello { return 200 hello; } } }"
  } >"$work/nginx_folder/nginx.conf"
  start nginx nginx -e stderr -p "$work/nginx_folder" -c "$work/nginx_folder/nginx.conf"
  says nginx 'start worker process '
  url=http://127.0.0.1:$port
  for downloader in "$samples/downloader" "$1/net/downloader"; do
    run "$downloader" --at-once 2 --timeout 50 "$url/hello" "$url/hello" "http://localhost:$port/hello"
    [ "$(sort <<<"$rest" | uniq -c | tr -s ' ')" = " 2 downloader: $url/hello: 5 bytes
 1 downloader: http://localhost:$port/hello: 5 bytes" ] || fail "$downloader: $rest"
    start downloader "$downloader" "$url/nothing"
    ends downloader 1
    [[ $rest =~ (returned|said)\ error|says\ 404 ]] || fail "$downloader: $rest"
  done
  signal INT nginx && ends nginx 0
fi
