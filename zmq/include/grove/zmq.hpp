// SPDX-License-Identifier: MIT
// Everything of grove::zmq: contexts, sockets, messages, and the msgpack codec.
#pragma once

#include <grove/zmq/codec.hpp>
#include <grove/zmq/context.hpp>
#include <grove/zmq/error.hpp>
#include <grove/zmq/message.hpp>
#include <grove/zmq/option.hpp>
#include <grove/zmq/socket.hpp>
#include <grove/zmq/topic.hpp>
#include <grove/zmq/typed.hpp>
