// SPDX-License-Identifier: MIT
// One message on its way out of, or into, a libzmq socket, as attempts that never wait.
#pragma once

#include <zmq.h>

#include <cerrno>
#include <cstddef>
#include <span>

#include <grove/zmq/message.hpp>
#include <grove/zmq/socket.hpp>

#include "edge.hpp"

namespace grove::zmq::detail {

inline zmq_msg_t* raw(Message& message) noexcept {
  return static_cast<zmq_msg_t*>(message.native_handle());
}
inline bool has_more(const Message& part) noexcept {
  return zmq_msg_more(static_cast<const zmq_msg_t*>(part.native_handle())) != 0;
}
// Each returns 0 or ZeroMQ's errno, EAGAIN rather than wait. EINTR means only that a signal came.
inline int send_part(void* handle, Message& part, int flags) noexcept {
  while (zmq_msg_send(raw(part), handle, flags | ZMQ_DONTWAIT) < 0) {
    if (const int error = zmq_errno(); error != EINTR)
      return error;
  }
  return 0;
}
inline int receive_part(void* handle, Message& part) noexcept {
  while (zmq_msg_recv(raw(part), handle, ZMQ_DONTWAIT) < 0) {
    if (const int error = zmq_errno(); error != EINTR)
      return error;
  }
  return 0;
}

// A whole message to be sent. After Attempt::done look at error(): 0, or ZeroMQ's errno.
class Sending {
public:
  Sending(std::span<Message> parts, SocketType type) noexcept : parts_(parts), type_(type) {}
  Attempt attempt(void* handle) noexcept {
    if (parts_.size() != 1) [[unlikely]]
      return attempt_parts(handle);
    const int error = send_part(handle, parts_[0], 0);
    error_ = error == EAGAIN ? 0 : error;
    return error == EAGAIN ? Attempt::again : Attempt::done;
  }
  int error() const noexcept { return error_; }

private:
  Attempt attempt_parts(void* handle) noexcept;
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
  Attempt attempt(void* handle) noexcept {
    const int error = receive_part(handle, message_);
    error_ = error == EAGAIN ? 0 : error;
    return error == EAGAIN ? Attempt::again : Attempt::done;
  }
  int error() const noexcept { return error_; }

private:
  Message& message_;
  int error_ = 0;
};

// Drops the rest of a message after `part`; returns how many parts that were.
std::size_t drop_rest(void* handle, const Message& part) noexcept;

} // namespace grove::zmq::detail
