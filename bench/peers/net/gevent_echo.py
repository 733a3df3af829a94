# SPDX-License-Identifier: MIT
"""gevent: a StreamServer, a greenlet for each connection. Prints "port N"."""

import resource

from gevent.server import StreamServer


def echo(connection, _):
    with connection:
        try:
            while data := connection.recv(4096):
                connection.sendall(data)
        except OSError:
            pass


limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
server = StreamServer(("127.0.0.1", 0), echo, backlog=4096)
server.start()
print("port", server.server_port, flush=True)
server.serve_forever()
