// SPDX-License-Identifier: MIT
// One message on its way out of, or into, a libzmq socket, as attempts that never wait.
#pragma once

#include <zmq.h>

#include <cerrno>
#include <cstddef>
#include <exception>
#include <span>

#include <grove/zmq/detail/attempt.hpp>
#include <grove/zmq/message.hpp>
#include <grove/zmq/socket_type.hpp>

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
// Drops what follows after `part`; returns how many parts that were.
std::size_t drop_rest(void* handle, const Message& part) noexcept;

// Whose first part names the peer. libzmq drops such a part without a word if nothing follows.
constexpr bool is_addressed(SocketType type) noexcept {
  return type == SocketType::router || type == SocketType::stream;
}

// A whole message to be sent. After Attempt::done look at error(): 0, or ZeroMQ's errno.
class Sending {
public:
  Sending(std::span<Message> parts, SocketType type, std::size_t next = 0) noexcept
      : parts_(parts), type_(type), next_(next) {}
  Attempt attempt(void* handle) noexcept {
    if (parts_.size() != 1 || is_addressed(type_)) [[unlikely]]
      return attempt_parts(handle);
    const int error = send_part(handle, parts_[0], 0);
    error_ = error == EAGAIN ? 0 : error;
    return error == EAGAIN ? Attempt::again : Attempt::done;
  }
  int error() const noexcept { return error_; }
  std::size_t next() const noexcept { return next_; } // the part to go on with

private:
  Attempt attempt_parts(void* handle) noexcept;
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
  Attempt attempt(void* handle) noexcept {
    const int error = receive_part(handle, message_);
    error_ = error == EAGAIN ? 0 : error;
    if (error == 0 && has_more(message_)) [[unlikely]]
      drop(handle);
    return error == EAGAIN ? Attempt::again : Attempt::done;
  }
  void drop(void* handle) noexcept { dropped_ = 1 + drop_rest(handle, message_); }
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
