#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""curve.py server KEY CLIENTS | client ENDPOINT SERVER KEY | plain ENDPOINT: the peers of
samples/zmq/curve. The last has no keys, and waits in vain."""
import sys

import zmq
import zmq.auth
from zmq.auth.thread import ThreadAuthenticator

context = zmq.Context.instance()


def server(key, clients):
    authenticator = ThreadAuthenticator(context)
    authenticator.start()
    authenticator.configure_curve(domain="*", location=clients)
    socket = context.socket(zmq.REP)
    socket.curve_publickey, socket.curve_secretkey = zmq.auth.load_certificate(key + "_secret")
    socket.curve_server = True
    port = socket.bind_to_random_port("tcp://127.0.0.1")
    print(f"curve: some may come to tcp://127.0.0.1:{port}", flush=True)
    print("curve: somebody says", socket.recv().decode())
    socket.send(b"welcome to Python")
    socket.close(linger=10000)
    authenticator.stop()


def client(endpoint, server_key, key):
    socket = context.socket(zmq.REQ)
    socket.curve_publickey, socket.curve_secretkey = zmq.auth.load_certificate(key + "_secret")
    socket.curve_serverkey, _ = zmq.auth.load_certificate(server_key)
    socket.connect(endpoint)
    socket.send(b"hello from Python")
    print("curve:", socket.recv().decode())


def plain(endpoint):
    socket = context.socket(zmq.REQ)
    socket.connect(endpoint)
    socket.send(b"let me in")
    print("curve:", socket.recv().decode())


{"server": server, "client": client, "plain": plain}[sys.argv[1]](*sys.argv[2:])
