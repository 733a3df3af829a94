// SPDX-License-Identifier: MIT
// Everything of grove::zmq: contexts, sockets, messages, the msgpack codec, proxies, security.
#pragma once

#include <grove/zmq/access_rules.hpp>
#include <grove/zmq/authenticator.hpp>
#include <grove/zmq/certificate.hpp>
#include <grove/zmq/codec.hpp>
#include <grove/zmq/context.hpp>
#include <grove/zmq/curve.hpp>
#include <grove/zmq/error.hpp>
#include <grove/zmq/message.hpp>
#include <grove/zmq/monitor.hpp>
#include <grove/zmq/option.hpp>
#include <grove/zmq/plain.hpp>
#include <grove/zmq/proxy.hpp>
#include <grove/zmq/socket.hpp>
#include <grove/zmq/topic.hpp>
#include <grove/zmq/typed.hpp>
#include <grove/zmq/z85.hpp>
