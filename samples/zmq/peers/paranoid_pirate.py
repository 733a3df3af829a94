#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""paranoid_pirate.py queue | worker QUEUE | client QUEUE COUNT: the peers of
samples/zmq/paranoid_pirate, with its heartbeats of half a second. The queue is for one worker."""
import sys
import time

import msgpack
import zmq

READY, HEARTBEAT, TASK, ANSWER = range(4)
INTERVAL = 0.5

context = zmq.Context.instance()


def queue():
    clients, workers = context.socket(zmq.ROUTER), context.socket(zmq.ROUTER)
    for socket, who in (clients, "clients"), (workers, "workers"):
        port = socket.bind_to_random_port("tcp://127.0.0.1")
        print(f"paranoid_pirate: {who} at tcp://127.0.0.1:{port}", flush=True)
    poller = zmq.Poller()
    poller.register(workers, zmq.POLLIN)
    worker, asking, task = None, None, None
    while True:
        ready = dict(poller.poll(INTERVAL * 1000))
        if workers in ready:
            worker, note = workers.recv_multipart()
            kind, _, body = msgpack.unpackb(note)
            if kind == READY and asking is not None:  # it has lost sight of us, and its task
                workers.send_multipart([worker, task])
            elif kind == READY:
                poller.register(clients, zmq.POLLIN)
            elif kind == ANSWER and asking is not None:
                clients.send_multipart([asking, b"", body])
                asking = None
                poller.register(clients, zmq.POLLIN)
        elif clients in ready:
            asking, _, body = clients.recv_multipart()
            task = msgpack.packb([TASK, 1, body])
            workers.send_multipart([worker, task])
            poller.unregister(clients)
        if worker is not None:
            workers.send_multipart([worker, msgpack.packb([HEARTBEAT, 0, b""])])


def worker(endpoint):
    socket = context.socket(zmq.DEALER)
    socket.setsockopt_string(zmq.IDENTITY, "python")
    socket.connect(endpoint)
    socket.send(msgpack.packb([READY, 0, b""]))
    next_beat = time.monotonic() + INTERVAL
    while True:
        if socket.poll(INTERVAL * 500):
            kind, task, body = msgpack.unpackb(socket.recv())
            if kind == TASK:
                (number,) = msgpack.unpackb(body)
                answer = msgpack.packb([number * number, "python"])
                socket.send(msgpack.packb([ANSWER, task, answer]))
        if time.monotonic() > next_beat:
            next_beat = time.monotonic() + INTERVAL
            socket.send(msgpack.packb([HEARTBEAT, 0, b""]))


def client(endpoint, count):
    socket = context.socket(zmq.REQ)
    socket.connect(endpoint)
    socket.send(b"nonsense")
    assert socket.recv() == b""
    for number in range(1, count + 1):
        socket.send(msgpack.packb([number]))
        square, who = msgpack.unpackb(socket.recv())
        assert square == number * number
    print(f"paranoid_pirate: {count} answers, the last from {who}")


if sys.argv[1] == "queue":
    queue()
elif sys.argv[1] == "worker":
    worker(sys.argv[2])
else:
    client(sys.argv[2], int(sys.argv[3]))
