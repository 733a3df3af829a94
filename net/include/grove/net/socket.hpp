// SPDX-License-Identifier: MIT
// Socket: what all sockets have in common.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include <grove/hub/deadline.hpp>
#include <grove/hub/detail/operation.hpp>
#include <grove/net/address.hpp>

namespace grove::net {

namespace detail {
struct SocketState;

// One reference to what a socket shares with its calls under way, which may find the object gone
// when they wake. Counted without atomics: hub-local.
class SocketRef {
public:
  SocketRef() = default;
  explicit SocketRef(SocketState* state) noexcept; // takes the reference it is made with
  SocketRef(const SocketRef& other) noexcept;
  SocketRef(SocketRef&& other) noexcept : state_(other.state_) { other.state_ = nullptr; }
  SocketRef& operator=(SocketRef other) noexcept {
    std::swap(state_, other.state_);
    return *this;
  }
  ~SocketRef();
  SocketState* operator->() const { return state_; }
  SocketState& operator*() const { return *state_; }
  explicit operator bool() const { return state_ != nullptr; }

private:
  SocketState* state_ = nullptr;
};
} // namespace detail

// Socket owns a descriptor that is non-blocking and close-on-exec, and closes it at the end.
// Hub-local; movable. Its calls try first and wait only when the kernel has nothing yet; the
// descriptor stays registered with the hub from the first wait on, so that a steady exchange costs
// no epoll_ctl(2). One greenlet at a time waits in each direction: std::logic_error for a second.
// A closed descriptor's number may be given out again at once: calls under way never touch it.
class Socket {
public:
  Socket(Socket&&) noexcept = default;
  Socket& operator=(Socket&& other) noexcept;
  ~Socket() { close(); }

  bool is_open() const noexcept;
  int descriptor() const noexcept; // to look at; -1 once closed
  // Wakes with Closed who waits, then closes. A second time: nothing.
  void close() noexcept;
  // Gives the descriptor up without closing it; it stays non-blocking. Who waits is woken.
  int release();

  Address local_address() const; // Closed; std::system_error
  // "tcp 127.0.0.1:4711 to 127.0.0.1:80", "udp 127.0.0.1:53", "unix:/run/x listening"; for texts.
  std::string name() const;

  // -- options: getsockopt(2) and setsockopt(2), whose errors name the socket and the option ------
  int option(int level, int name) const;
  void set_option(int level, int name, int value);

  // -- waiting for readiness; takes nothing ------------------------------------------------------
  // Until the next call in that direction would not wait: there is something, or the end, or an
  // error. False if the deadline came first.
  bool wait_readable(Deadline deadline = {});
  bool wait_writable(Deadline deadline = {});

  // For wait_any() and wait(). The socket must stay open while the operation lives; when it is
  // closed nevertheless, it succeeds, and the next call says so.
  class ReadyOp;
  [[nodiscard]] ReadyOp readable_op();
  [[nodiscard]] ReadyOp writable_op();
  [[nodiscard]] ReadyOp wait_op(); // readable

protected:
  Socket() = default;
  explicit Socket(detail::SocketRef state) : state_(std::move(state)) {}
  detail::SocketState& opened(const char* what) const; // Closed if it is not; checks the hub

  detail::SocketRef state_;
};

// Succeeds when the socket is ready.
class Socket::ReadyOp : public grove::detail::Operation {
public:
  using Result = void;
  ReadyOp(const Socket& socket, unsigned interest, bool at_once = false);
  ~ReadyOp();
  bool ready() const;
  void arm();
  void disarm();
  void take() {}
  static constexpr const char* name = "wait_any(Socket)";

private:
  detail::SocketRef state_;
  unsigned interest_;
  bool at_once_; // whatever the descriptor says
  bool armed_ = false;
};

} // namespace grove::net
