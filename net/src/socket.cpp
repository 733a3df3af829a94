// SPDX-License-Identifier: MIT
// Socket: options, readiness, closing.
#include <grove/net/socket.hpp>

#include <fcntl.h>
#include <sys/socket.h>

#include <system_error>

#include "socket_state.hpp"

namespace grove::net {

using detail::SocketState;
using detail::Way;

Socket& Socket::operator=(Socket&& other) noexcept {
  if (this != &other) {
    close();
    state_ = std::move(other.state_);
  }
  return *this;
}

bool Socket::is_open() const noexcept { return state_ && state_->fd >= 0; }
int Socket::descriptor() const noexcept { return state_ ? state_->fd : -1; }

SocketState& Socket::opened(const char* what) const {
  if (!is_open()) [[unlikely]]
    detail::throw_closed(what);
  state_->home(what);
  return *state_;
}

void Socket::close() noexcept {
  if (state_)
    state_->close();
}

int Socket::release() {
  opened("release");
  state_->path = nullptr;
  return state_->give_up();
}

Address Socket::local_address() const {
  SocketState& state = opened("local_address");
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  auto* address = reinterpret_cast<sockaddr*>(&storage);
  if (getsockname(state.fd, address, &size) != 0)
    state.fail(errno, "getsockname");
  return Address::from(address, size);
}

std::string Socket::name() const { return state_ ? state_->name() : "no socket"; }

namespace {
[[noreturn]] void fail_option(const SocketState& state, const char* call, int level, int name) {
  const int error = errno;
  const std::string what =
      std::string(call) + " " + std::to_string(level) + "/" + std::to_string(name);
  state.fail(error, what.c_str());
}
} // namespace

int Socket::option(int level, int name) const {
  SocketState& state = opened("option");
  int value = 0;
  socklen_t size = sizeof value;
  if (getsockopt(state.fd, level, name, &value, &size) != 0)
    fail_option(state, "getsockopt", level, name);
  return value;
}

void Socket::set_option(int level, int name, int value) {
  SocketState& state = opened("set_option");
  if (setsockopt(state.fd, level, name, &value, sizeof value) != 0)
    fail_option(state, "setsockopt", level, name);
}

bool Socket::wait_readable(Deadline deadline) {
  return opened("wait_readable").wait_ready(Way::in, "wait_readable", deadline);
}
bool Socket::wait_writable(Deadline deadline) {
  return opened("wait_writable").wait_ready(Way::out, "wait_writable", deadline);
}

// -- ReadyOp -------------------------------------------------------------------------------------

Socket::ReadyOp Socket::readable_op() { return {*this, grove::detail::readable}; }
Socket::ReadyOp Socket::writable_op() { return {*this, grove::detail::writable}; }
Socket::ReadyOp Socket::wait_op() { return readable_op(); }

Socket::ReadyOp::ReadyOp(const Socket& socket, unsigned interest, bool at_once)
    : state_(socket.state_), interest_(interest), at_once_(at_once) {
  socket.opened("wait_any(Socket)");
}

Socket::ReadyOp::~ReadyOp() { disarm(); }

static Way way_of(unsigned interest) {
  return interest == grove::detail::readable ? Way::in : Way::out;
}

bool Socket::ReadyOp::ready() const {
  return at_once_ || state_->fd < 0 || state_->is_ready(way_of(interest_));
}

void Socket::ReadyOp::arm() {
  detail::Side& side = state_->side(way_of(interest_));
  side.begin_wait();
  armed_ = true;
  side.line.push_back(waiter_);
}

void Socket::ReadyOp::disarm() {
  if (!armed_)
    return;
  armed_ = false;
  waiter_.unlink();
  state_->side(way_of(interest_)).end_wait();
}

} // namespace grove::net
