// SPDX-License-Identifier: MIT
// All of grove::net.
#pragma once

#include <grove/hub.hpp>
#include <grove/net/address.hpp>
#include <grove/net/buffered_reader.hpp>
#include <grove/net/buffered_writer.hpp>
#include <grove/net/connect.hpp>
#include <grove/net/connection_pool.hpp>
#include <grove/net/datagram_server.hpp>
#include <grove/net/datagram_socket.hpp>
#include <grove/net/descriptor_passing.hpp>
#include <grove/net/listener.hpp>
#include <grove/net/pipe_stream.hpp>
#include <grove/net/poll.hpp>
#include <grove/net/proxy_protocol.hpp>
#include <grove/net/relay.hpp>
#include <grove/net/resolver.hpp>
#include <grove/net/reuse_port_server.hpp>
#include <grove/net/select.hpp>
#include <grove/net/socket.hpp>
#include <grove/net/spawn_policy.hpp>
#include <grove/net/stream.hpp>
#include <grove/net/stream_server.hpp>
#include <grove/net/stream_socket.hpp>
#include <grove/net/systemd.hpp>
