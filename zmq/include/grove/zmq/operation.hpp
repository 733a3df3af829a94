// SPDX-License-Identifier: MIT
// Sockets in wait_any(), which takes exactly one of several operations, and in wait(), which tells
// which of many are ready.
#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <utility>

#include <grove/hub/detail/operation.hpp>
#include <grove/zmq/detail/attempt.hpp>
#include <grove/zmq/message.hpp>

namespace grove::zmq {

namespace detail {

struct SocketState;

// What sending and receiving as an operation have in common: the place in the socket's line. It is
// tried by whoever would give it the turn, so that an operation that is woken is done.
class TransferOp : public grove::detail::Operation {
public:
  bool ready(); // tries
  void arm();
  void disarm();

protected:
  template <class Self>
  TransferOp(std::shared_ptr<SocketState> socket, Direction direction, Self& self)
      : socket_(std::move(socket)), direction_(direction), errand_{AttemptRef(self)} {
    waiter_.item = &errand_;
  }
  ~TransferOp() = default;
  // take() begins with it: throws what went wrong, or gives way after many operations.
  void finish(const char* what);
  std::shared_ptr<SocketState> socket_;
  int error_ = 0;

private:
  Direction direction_;
  Errand errand_;
};

} // namespace detail

// One message of one part, as Socket::recv(), which tells what it throws.
class RecvOp : public detail::TransferOp {
public:
  using Result = Message;
  explicit RecvOp(std::shared_ptr<detail::SocketState> socket);
  Result take();
  detail::Attempt operator()() noexcept;
  static constexpr const char* name = "wait_any(recv)";

private:
  Message message_;
  std::size_t dropped_ = 0;
};

// One message of any number of parts.
class RecvMultipartOp : public detail::TransferOp {
public:
  using Result = Multipart;
  explicit RecvMultipartOp(std::shared_ptr<detail::SocketState> socket);
  Result take();
  detail::Attempt operator()() noexcept;
  static constexpr const char* name = "wait_any(recv_multipart)";

private:
  Multipart parts_;
  std::exception_ptr failure_;
};

// Sends the parts. An operation that did not have its turn keeps them: it may be waited for again,
// or asked for them.
class SendOp : public detail::TransferOp {
public:
  using Result = void;
  SendOp(std::shared_ptr<detail::SocketState> socket, Multipart&& parts);
  void take();
  detail::Attempt operator()() noexcept;
  Multipart& parts() { return parts_; } // empty once they were sent
  static constexpr const char* name = "wait_any(send)";

private:
  Multipart parts_;
  std::size_t next_ = 0; // the part to go on with
};

// Succeeds while the socket can receive, or send, without waiting, as far as libzmq knows; also
// when it is closed. Takes nothing and no turn: another greenlet may come first. Every now and then
// others run first: beside after(0s) it may lose though it is ready.
class ReadyOp : public grove::detail::Operation {
public:
  using Result = void;
  ReadyOp(std::shared_ptr<detail::SocketState> socket, detail::Direction direction)
      : socket_(std::move(socket)), direction_(direction) {}
  bool ready();
  void arm();
  void disarm();
  void take() {}
  static constexpr const char* name = "wait_any(ready)";

private:
  std::shared_ptr<detail::SocketState> socket_;
  detail::Direction direction_;
  std::uint64_t seen_ = 0;
};

} // namespace grove::zmq
