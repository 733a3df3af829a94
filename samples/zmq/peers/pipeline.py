#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""pipeline.py boss TASKS | worker TASKS RESULTS CONTROL: the peers of samples/zmq/pipeline."""
import sys
import time

import msgpack
import zmq

context = zmq.Context.instance()


def boss(count):
    tasks, results, control = map(context.socket, (zmq.PUSH, zmq.PULL, zmq.XPUB))
    ports = [s.bind_to_random_port("tcp://127.0.0.1") for s in (tasks, results, control)]
    print("pipeline:", *(f"tcp://127.0.0.1:{port}" for port in ports), flush=True)
    control.recv()  # a worker is there
    for number in range(count):
        tasks.send(msgpack.packb([number, 1]))
    done = [msgpack.unpackb(results.recv()) for _ in range(count)]
    assert [number for number, worker in done] == list(range(count)), done
    control.send(b"stop")
    print(f"pipeline: {done[0][1]} did {count}")


def worker(*endpoints):
    tasks, results, control = map(context.socket, (zmq.PULL, zmq.PUSH, zmq.SUB))
    tasks.setsockopt(zmq.RCVHWM, 1)
    for socket, endpoint in zip((tasks, results, control), endpoints):
        socket.connect(endpoint)
    control.setsockopt(zmq.SUBSCRIBE, b"stop")
    poller = zmq.Poller()
    poller.register(tasks, zmq.POLLIN)
    poller.register(control, zmq.POLLIN)
    while True:
        ready = dict(poller.poll())
        if control in ready:
            break
        number, work_ms = msgpack.unpackb(tasks.recv())
        time.sleep(work_ms / 1000)
        results.send(msgpack.packb([number, "python"]))


if sys.argv[1] == "boss":
    boss(int(sys.argv[2]))
else:
    worker(*sys.argv[2:5])
context.destroy(linger=10000)
