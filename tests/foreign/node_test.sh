#!/usr/bin/env bash
# node_test.sh PROGRAMS: node's http and the ws package against ours.
set -euo pipefail
programs=$1
# shellcheck source=tests/foreign/common.bash
source "$(dirname "$(readlink -f "$0")")/common.bash"
export NODE_PATH=/usr/share/nodejs # where Debian has its packages, whoever's node it is
needs node
node -e 'require("ws")' 2>/dev/null || {
  echo "skipped: node has no ws"
  exit 77
}

serve --deflate
cat >"$work/client.js" <<'JS'
const assert = require('assert'), http = require('http'), WebSocket = require('ws');
const port = process.argv[2];
const agent = new http.Agent({keepAlive: true, maxSockets: 1});
let connections = 0;

function ask(method, path, body, headers = {}) {
  return new Promise((resolve, reject) => {
    const request = http.request({port, method, path, agent, headers}, response => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', some => text += some);
      response.on('end', () => resolve({status: response.statusCode, headers: response.headers, text}));
    });
    request.on('socket', socket => { if (socket.connecting) ++connections; });
    request.on('error', reject);
    for (const piece of body || []) request.write(piece);
    request.end();
  });
}

function talk(options) {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/`, options);
    const sizes = [0, 1, 125, 126, 65535, 65536, 500000];
    let got = 0;
    socket.on('error', reject);
    socket.on('open', () => {
      for (const size of sizes) {
        socket.send('x'.repeat(size));
        socket.send(Buffer.alloc(size, 255));
      }
      socket.ping('alive?');
    });
    socket.on('message', (data, binary) => {
      assert.strictEqual(binary, got % 2 === 1);
      assert.strictEqual(data.length, sizes[got >> 1]);
      if (++got === 2 * sizes.length) socket.close(4000, 'mine');
    });
    socket.on('pong', data => assert.strictEqual(data.toString(), 'alive?'));
    socket.on('close', code => resolve(`${code} ${socket.extensions}`));
  });
}

(async () => {
  for (let i = 0; i < 3; ++i)
    assert.strictEqual((await ask('GET', '/hello')).text, 'hello\n');
  const pieces = Array.from({length: 1000}, (_, i) => `piece ${i}\n`);
  assert.strictEqual((await ask('POST', '/echo', pieces)).text, pieces.join('')); // in chunks
  assert.strictEqual((await ask('POST', '/echo', ['a=b'], {'Content-Length': 3})).text, 'a=b');
  assert.strictEqual((await ask('GET', '/stream/1000')).text, pieces.join(''));
  assert.strictEqual((await ask('HEAD', '/hello')).headers['content-length'], '6');
  assert.strictEqual((await ask('GET', '/nowhere')).status, 404);
  assert.strictEqual(connections, 1);
  await new Promise((resolve, reject) => { // the body waits for 100 Continue
    const request = http.request({port, method: 'POST', path: '/echo',
        headers: {Expect: '100-continue', 'Content-Length': 5}}, response => {
      response.on('data', some => assert.strictEqual(some.toString(), 'hello'));
      response.on('end', resolve);
    });
    request.on('continue', () => request.end('hello'));
    request.on('error', reject);
    request.flushHeaders();
  });
  agent.destroy();
  assert.strictEqual(await talk({perMessageDeflate: false}), '4000 ');
  assert.strictEqual(await talk({perMessageDeflate: true}), '4000 permessage-deflate');
})().catch(error => { console.error(error); process.exit(1); });
JS
run timeout 100 node "$work/client.js" "$port"
stop server

# The other way round: our client.
cat >"$work/server.js" <<'JS'
const http = require('http'), WebSocket = require('ws');
const server = http.createServer((request, response) => {
  if (request.url === '/hello') return response.end('hello\n');
  if (request.url === '/moved') return response.writeHead(302, {Location: '/hello'}).end();
  if (request.url === '/stream') {
    for (let i = 0; i < 1000; ++i) response.write(`piece ${i}\n`);
    return response.end();
  }
  if (request.url === '/echo') return request.pipe(response);
  response.writeHead(404).end('no\n');
});
const sockets = new WebSocket.Server({server, perMessageDeflate: true});
sockets.on('connection', socket => socket.on('message', (data, binary) => socket.send(data, {binary})));
server.listen(0, '127.0.0.1', () => console.log('at', server.address().port));
JS
start server node "$work/server.js"
says server '^at ([0-9]+)$' && url=http://127.0.0.1:${BASH_REMATCH[1]}
client=$programs/http_client
is "GET" "200 hello
200 hello
404 no
1 connections" "$($client get "$url/hello" "$url/moved" "$url/nowhere")"
is "a stream" "200 $(seq -f 'piece %g' 0 999)
1 connections" "$($client get "$url/stream")"
is "HEAD" "200 
1 connections" "$($client head "$url/hello")"
is "POST" "text" "$($client post "$url/echo" text)"
is "PUT in chunks" "$(seq -f 'piece %g' 0 999)" "$($client put "$url/echo" 1000)"
is "WebSocket" "echoed 500, closed with 1000" "$($client echo "ws${url#http}/" 500)"
stop server
