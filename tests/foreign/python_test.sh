#!/usr/bin/env bash
# python_test.sh PROGRAMS: Python's requests, http.server and websockets against ours.
set -euo pipefail
programs=$1
# shellcheck source=tests/foreign/common.bash
source "$(dirname "$(readlink -f "$0")")/common.bash"
needs /usr/bin/python3 openssl
/usr/bin/python3 -c 'import requests, websockets' 2>/dev/null || {
  echo "skipped: Python has no requests or websockets"
  exit 77
}

certificate
serve --tls "$work/chain.pem" "$work/key.pem" --deflate
timeout 100 /usr/bin/python3 - "$port" "$work/chain.pem" <<'PYTHON' || fail "requests"
import asyncio, ssl, sys, requests, websockets

port, chain = sys.argv[1:]
base = f"https://localhost:{port}"
with requests.Session() as session:
    session.trust_env = False  # it would hold against the next line
    session.verify = chain
    for _ in range(3):
        assert session.get(base + "/hello").text == "hello\n"
    pool = session.get_adapter(base).poolmanager.connection_from_url(base)
    assert pool.num_connections == 1, pool.num_connections
    assert session.post(base + "/echo", data=b"x" * 900_000).content == b"x" * 900_000
    pieces = [b"piece %d\n" % i for i in range(1000)]
    assert session.post(base + "/echo", data=iter(pieces)).content == b"".join(pieces)  # chunked
    answer = session.get(base + "/stream/1000", stream=True)
    assert answer.headers["Transfer-Encoding"] == "chunked"
    assert list(answer.iter_lines()) == [piece.strip() for piece in pieces]
    assert session.head(base + "/hello").headers["Content-Length"] == "6"
    assert session.get(base + "/nowhere").status_code == 404
    assert session.post(base + "/refuse", data=b"x").status_code == 403


async def talk():
    context = ssl.create_default_context(cafile=chain)
    uri = f"wss://localhost:{port}/"
    for compression in ("deflate", None):
        async with websockets.connect(uri, ssl=context, compression=compression,
                                      subprotocols=["other", "echo"]) as socket:
            assert socket.subprotocol == "echo"
            assert bool(socket.extensions) == (compression is not None)
            for size in (0, 1, 125, 126, 65535, 65536, 500_000):
                await socket.send("ä" * size)
                assert await socket.recv() == "ä" * size
                await socket.send(b"\xff" * size)
                assert await socket.recv() == b"\xff" * size
            await socket.send(iter(["in ", "frag", "ments"]))
            assert await socket.recv() == "in fragments"
            await asyncio.wait_for(await socket.ping(b"alive?"), 20)
            await socket.close(4000, "mine")
            assert socket.close_code == 4000, socket.close_code
    try:
        await websockets.connect(uri, ssl=context, origin="https://evil.example")
        raise AssertionError("another page got in")
    except websockets.InvalidStatusCode as e:
        assert e.status_code == 403
    async with websockets.connect(uri, ssl=context) as socket:
        await socket.send("x" * (33 * 1024 * 1024))  # beyond its limit
        try:
            await socket.recv()
            raise AssertionError("too long, and taken")
        except websockets.ConnectionClosed as e:
            assert e.rcvd.code == 1009, e


asyncio.run(talk())
PYTHON
stop server

# The other way round: our client.
cat >"$work/servers.py" <<'PYTHON'
import asyncio, http.server, threading, websockets


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, status, body):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def do_GET(self):
        if self.path == "/moved":
            self.send_response(302)
            self.send_header("Location", "/hello")
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif self.path == "/old":  # until the end
            self.protocol_version = "HTTP/1.0"
            self.close_connection = True
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"old\n")
        else:
            self.answer(200 if self.path == "/hello" else 404, b"hello\n")

    do_HEAD = do_GET

    def do_POST(self):
        self.answer(200, self.rfile.read(int(self.headers["Content-Length"])))

    def do_PUT(self):
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        self.answer(200, body)

    def log_message(self, *_):
        pass


async def main():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()

    async def echo(socket):
        async for message in socket:
            await socket.send(message)

    async with websockets.serve(echo, "127.0.0.1", 0, max_size=None) as sockets:
        print("at", server.server_port, sockets.sockets[0].getsockname()[1], flush=True)
        await asyncio.Future()


asyncio.run(main())
PYTHON
start servers /usr/bin/python3 "$work/servers.py"
says servers '^at ([0-9]+) ([0-9]+)$'
url=http://127.0.0.1:${BASH_REMATCH[1]} sockets=ws://127.0.0.1:${BASH_REMATCH[2]}/
client=$programs/http_client
is "GET" "200 hello
200 hello
404 hello
1 connections" "$($client get "$url/hello" "$url/moved" "$url/nowhere")"
is "until the end" "200 old
200 hello
2 connections" "$($client get "$url/old" "$url/hello")"
is "HEAD" "200 
1 connections" "$($client head "$url/hello")"
is "POST" "text" "$($client post "$url/echo" text)"
is "PUT in chunks" "$(seq -f 'piece %g' 0 999)" "$($client put "$url/echo" 1000)"
is "WebSocket" "echoed 500, closed with 1000" "$($client echo "$sockets" 500)"
stop servers
