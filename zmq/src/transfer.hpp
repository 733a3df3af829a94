// SPDX-License-Identifier: MIT
// One message on its way out of, or into, a libzmq socket, as attempts that never wait.
#pragma once

#include <cstddef>
#include <span>

#include <grove/zmq/message.hpp>
#include <grove/zmq/socket.hpp>

#include "edge.hpp"

namespace grove::zmq::detail {

// A whole message to be sent. After Attempt::done look at error(): 0, or ZeroMQ's errno.
class Sending {
public:
  Sending(std::span<Message> parts, SocketType type) noexcept : parts_(parts), type_(type) {}
  Attempt attempt(void* handle) noexcept;
  int error() const noexcept { return error_; }

private:
  Attempt attempt_once(void* handle) noexcept;

  std::span<Message> parts_;
  SocketType type_;
  std::size_t next_ = 0; // the part to go on with
  int error_ = 0;
};

// The first part of a message to come. libzmq has the others by then: nothing waits between them.
class Receiving {
public:
  explicit Receiving(Message& message) noexcept : message_(message) {}
  Attempt attempt(void* handle) noexcept;
  int error() const noexcept { return error_; }

private:
  Message& message_;
  int error_ = 0;
};

bool has_more(const Message& part) noexcept;
// Receives a part that is known to be there; 0, or ZeroMQ's errno.
int receive_part(void* handle, Message& part) noexcept;
// Drops the rest of a message after `part`; returns how many parts that were.
std::size_t drop_rest(void* handle, const Message& part) noexcept;

} // namespace grove::zmq::detail
