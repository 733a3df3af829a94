#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""weather.py server REPORTS | client SERVER PREFIX...: the peers of samples/zmq/weather."""
import sys

import msgpack
import zmq


def serve(reports):
    socket = zmq.Context.instance().socket(zmq.XPUB)
    socket.setsockopt(zmq.XPUB_VERBOSE, 1)
    port = socket.bind_to_random_port("tcp://127.0.0.1")
    print(f"weather: reports leave from tcp://127.0.0.1:{port}", flush=True)
    while socket.recv() != b"\1end\0":  # one subscriber will do
        pass
    for number in range(1, reports + 1):
        topic = b"%05d" % (10000 + number * 7919 % 90000)
        socket.send(topic + b"\0" + msgpack.packb([number, number % 30, 50]))
    socket.send(b"end\0" + msgpack.packb([reports]))


def listen_to(server, prefixes):
    socket = zmq.Context.instance().socket(zmq.SUB)
    socket.connect(server)
    for prefix in prefixes + ["end\0"]:
        socket.setsockopt_string(zmq.SUBSCRIBE, prefix)
    count = 0
    while True:
        topic, _, body = socket.recv().partition(b"\0")
        if topic == b"end":
            break
        number, temperature, humidity = msgpack.unpackb(body)
        assert any(topic.startswith(prefix.encode()) for prefix in prefixes), topic
        assert number > 0 and -20 <= temperature <= 40 and 10 <= humidity <= 100
        count += 1
    print(f"weather: {count} of {msgpack.unpackb(body)[0]} reports")


if sys.argv[1] == "server":
    serve(int(sys.argv[2]))
else:
    listen_to(sys.argv[2], sys.argv[3:])
zmq.Context.instance().destroy(linger=10000)
