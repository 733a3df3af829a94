# SPDX-License-Identifier: MIT
"""gevent: pywsgi, without a log; "Hello, world" for every request. Prints "port N"."""

from gevent.pywsgi import WSGIServer


def hello(_, start_response):
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "13")])
    return [b"Hello, world\n"]


server = WSGIServer(("127.0.0.1", 0), hello, log=None, backlog=4096)
server.start()
print("port", server.server_port, flush=True)
server.serve_forever()
