// SPDX-License-Identifier: MIT
// All of grove::net.
#pragma once

#include <grove/hub.hpp>
#include <grove/net/address.hpp>
#include <grove/net/connect.hpp>
#include <grove/net/connection_pool.hpp>
#include <grove/net/listener.hpp>
#include <grove/net/resolver.hpp>
#include <grove/net/socket.hpp>
#include <grove/net/stream.hpp>
#include <grove/net/stream_socket.hpp>
