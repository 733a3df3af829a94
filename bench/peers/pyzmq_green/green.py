"""What zmq_bench does, with pyzmq's zmq.green under gevent: all greenlets in one process.

green.py push_pull|req_rep|pipeline tcp|inproc SIZE COUNT
"""

import resource
import sys
import time

import gevent
import msgpack
import zmq.green as zmq

WORKERS = 4
context = zmq.Context()


class Meter:
    """As bench/support/meter.hpp."""

    def __init__(self):
        self.cpu = self.cpu_time()
        self.begin = time.perf_counter()

    @staticmethod
    def cpu_time():
        usage = resource.getrusage(resource.RUSAGE_SELF)
        return usage.ru_utime + usage.ru_stime

    def print(self, count):
        elapsed = time.perf_counter() - self.begin
        print(f"ns {elapsed / count * 1e9:.2f}\ncpu_ns {(self.cpu_time() - self.cpu) / count * 1e9:.2f}")


def bound(kind, transport, name):
    socket = context.socket(kind)
    socket.bind("tcp://127.0.0.1:*" if transport == "tcp" else f"inproc://{name}")
    return socket, socket.getsockopt(zmq.LAST_ENDPOINT).rstrip(b"\0").decode()


def connected(kind, endpoint):
    socket = context.socket(kind)
    socket.connect(endpoint)
    return socket


def numbered(number, body):
    return number.to_bytes(8, "little") + body[8:]


def expect_number(message, size, number):
    if len(message) != size or int.from_bytes(message[:8], "little") != number:
        raise RuntimeError(f"message {number} is not what it should be")


def push_pull(transport, size, count):
    pull, endpoint = bound(zmq.PULL, transport, "messages")
    push = connected(zmq.PUSH, endpoint)
    body = b"x" * size

    def produce():
        for i in range(count):
            push.send(numbered(i, body))

    producer = gevent.spawn(produce)
    expect_number(pull.recv(), size, 0)
    meter = Meter()
    for i in range(1, count):
        expect_number(pull.recv(), size, i)
    meter.print(count - 1)
    producer.join()


def req_rep(transport, size, count):
    req, endpoint = bound(zmq.REQ, transport, "questions")
    rep = connected(zmq.REP, endpoint)
    warm_up = count // 10
    body = b"x" * size

    def reply():
        for _ in range(warm_up + count):
            rep.send(rep.recv())

    def round_trip(i):
        req.send(numbered(i, body))
        expect_number(req.recv(), size, i)

    replier = gevent.spawn(reply)
    for i in range(warm_up):
        round_trip(i)
    meter = Meter()
    for i in range(count):
        round_trip(i)
    meter.print(count)
    replier.join()


def pipeline(transport, size, count):
    tasks, tasks_at = bound(zmq.PUSH, transport, "tasks")
    results, results_at = bound(zmq.PULL, transport, "results")

    def work():
        mine, out = connected(zmq.PULL, tasks_at), connected(zmq.PUSH, results_at)
        while True:
            number, text = msgpack.unpackb(mine.recv())
            out.send(msgpack.packb((number, len(text))))

    def ventilate():
        text = "x" * size
        for number in range(count):
            tasks.send(msgpack.packb((number, text)))

    done = bytearray(count)

    def enter_next():
        number, length = msgpack.unpackb(results.recv())
        if done[number] or length != size:
            raise RuntimeError(f"result {number} is not what it should be")
        done[number] = 1

    others = [gevent.spawn(work) for _ in range(WORKERS)] + [gevent.spawn(ventilate)]
    enter_next()
    meter = Meter()
    for _ in range(count - 1):
        enter_next()
    meter.print(count - 1)
    gevent.killall(others)


if __name__ == "__main__":
    rows = {"push_pull": push_pull, "req_rep": req_rep, "pipeline": pipeline}
    if len(sys.argv) != 5 or sys.argv[1] not in rows:
        sys.exit(__doc__)
    rows[sys.argv[1]](sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
    context.destroy(linger=0)
