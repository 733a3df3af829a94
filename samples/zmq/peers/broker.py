#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""broker.py client BROKER COUNT | worker BROKER | broker: the peers of samples/zmq/broker."""
import sys

import msgpack
import zmq

context = zmq.Context.instance()


def broker():
    clients, workers = context.socket(zmq.ROUTER), context.socket(zmq.DEALER)
    for socket, who in (clients, "clients"), (workers, "workers"):
        port = socket.bind_to_random_port("tcp://127.0.0.1")
        print(f"broker: {who} at tcp://127.0.0.1:{port}", flush=True)
    zmq.proxy(clients, workers)


def worker(endpoint):
    socket = context.socket(zmq.REP)
    socket.connect(endpoint)
    while True:
        try:
            (number,) = msgpack.unpackb(socket.recv_multipart()[-1])
            socket.send(msgpack.packb([number * number, "python"]))
        except (ValueError, TypeError):  # it is no question
            socket.send(b"")


def client(endpoint, count):
    socket = context.socket(zmq.REQ)
    socket.connect(endpoint)
    for nonsense in [b"nonsense"], [b"of several", b"parts"]:  # is answered, too
        socket.send_multipart(nonsense)
        assert socket.recv() == b""
    for number in range(count):
        socket.send(msgpack.packb([number]))
        square, _ = msgpack.unpackb(socket.recv())
        assert square == number * number, square
    print(f"broker: {count} answers")


if sys.argv[1] == "broker":
    broker()
elif sys.argv[1] == "worker":
    worker(sys.argv[2])
else:
    client(sys.argv[2], int(sys.argv[3]))
