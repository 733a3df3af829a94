// SPDX-License-Identifier: MIT
// One message on its way out of, or into, a libzmq socket, as attempts that never wait.
#pragma once

#include <cstddef>
#include <exception>
#include <span>

#include <grove/zmq/detail/attempt.hpp>
#include <grove/zmq/message.hpp>
#include <grove/zmq/socket_type.hpp>

namespace grove::zmq::detail {

// A whole message to be sent. After Attempt::done look at error(): 0, or ZeroMQ's errno.
class Sending {
public:
  Sending(std::span<Message> parts, SocketType type, std::size_t next = 0) noexcept
      : parts_(parts), type_(type), next_(next) {}
  Attempt attempt(void* handle) noexcept;
  int error() const noexcept { return error_; }
  std::size_t next() const noexcept { return next_; } // the part to go on with

private:
  Attempt attempt_once(void* handle) noexcept;

  std::span<Message> parts_;
  SocketType type_;
  std::size_t next_;
  int error_ = 0;
};

// A message of one part that is to come. Of one of several all are dropped, so that the next begins
// where it should.
class Receiving {
public:
  explicit Receiving(Message& message) noexcept : message_(message) {}
  Attempt attempt(void* handle) noexcept;
  int error() const noexcept { return error_; }
  std::size_t dropped() const noexcept { return dropped_; } // parts; 0 if all is well

private:
  Message& message_;
  int error_ = 0;
  std::size_t dropped_ = 0;
};

// A message of any number of parts that is to come. libzmq has them all when it gives the first:
// nothing waits between them.
class ReceivingAll {
public:
  explicit ReceivingAll(Multipart& parts) noexcept : parts_(parts) {}
  Attempt attempt(void* handle) noexcept;
  int error() const noexcept { return error_; }
  const std::exception_ptr& failure() const noexcept { return failure_; } // no memory: all dropped

private:
  Multipart& parts_; // empty before
  int error_ = 0;
  std::exception_ptr failure_;
};

} // namespace grove::zmq::detail
