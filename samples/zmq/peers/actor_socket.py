#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""actor_socket.py account COUNT | client ACCOUNT TIMES | nonsense ACCOUNT: the peers of
samples/zmq/actor_socket. The last sends what is no deposit."""
import sys

import msgpack
import zmq

context = zmq.Context.instance()


def account(count):
    socket = context.socket(zmq.REP)
    port = socket.bind_to_random_port("tcp://127.0.0.1")
    print(f"account: open at tcp://127.0.0.1:{port}", flush=True)
    balance = 0
    for number in range(1, count + 1):
        amount, by = msgpack.unpackb(socket.recv())
        balance += amount
        socket.send(msgpack.packb([balance, number]))
    print(f"account: has reached {balance}")


def client(endpoint, times):
    socket = context.socket(zmq.REQ)
    socket.connect(endpoint)
    for _ in range(times):
        socket.send(msgpack.packb([5, "python"]))
        balance, number = msgpack.unpackb(socket.recv())
        assert balance >= 5 and number >= 1
    print(f"account: {times} receipts")


def nonsense(endpoint):
    socket = context.socket(zmq.DEALER)
    socket.connect(endpoint)
    socket.send_multipart([b"", b"money"])
    socket.send_multipart([b"", msgpack.packb(["five", "python"])])


if sys.argv[1] == "account":
    account(int(sys.argv[2]))
elif sys.argv[1] == "client":
    client(sys.argv[2], int(sys.argv[3]))
else:
    nonsense(sys.argv[2])
context.destroy(linger=10000)
