#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""lazy_pirate.py server [DEAF] | client SERVER COUNT: the peers of samples/zmq/lazy_pirate."""
import sys

import msgpack
import zmq

context = zmq.Context.instance()


def server(deaf):
    socket = context.socket(zmq.ROUTER)  # which need not answer
    port = socket.bind_to_random_port("tcp://127.0.0.1")
    print(f"lazy_pirate: serving at tcp://127.0.0.1:{port}", flush=True)
    while True:
        peer, empty, body = socket.recv_multipart()
        (number,) = msgpack.unpackb(body)
        if deaf > 0:  # the first ones it does not hear
            deaf -= 1
            continue
        socket.send_multipart([peer, empty, msgpack.packb([number * number])])


def client(endpoint, count):
    nonsense = context.socket(zmq.DEALER)
    nonsense.linger = 0
    nonsense.connect(endpoint)
    for body in [b"nonsense"], [b"of several", b"parts"]:
        nonsense.send_multipart([b"", *body])
        assert nonsense.recv_multipart() == [b"", b""]
    nonsense.close()
    for number in range(1, count + 1):
        answer = None
        while answer is None:
            socket = context.socket(zmq.REQ)
            socket.linger = 0
            socket.connect(endpoint)
            socket.send(msgpack.packb([number]))
            if socket.poll(300):
                answer = socket.recv()
            socket.close()
        assert msgpack.unpackb(answer) == [number * number]
    print(f"lazy_pirate: {count} answers")


if sys.argv[1] == "server":
    server(int(sys.argv[2]) if len(sys.argv) > 2 else 0)
else:
    client(sys.argv[2], int(sys.argv[3]))
