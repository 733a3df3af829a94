// SPDX-License-Identifier: MIT
// Sockets in wait_any() and wait().
#include <grove/zmq/operation.hpp>

#include <cerrno>
#include <stdexcept>

#include <grove/hub/timeout.hpp>

#include "fail.hpp"
#include "socket_state.hpp"

namespace grove::zmq {

using detail::Attempt;
using detail::Direction;

namespace detail {

bool TransferOp::ready() {
  socket_->check(direction_ == Direction::send ? "zmq::Socket.send_op" : "zmq::Socket.recv_op");
  return socket_->edge.try_now(direction_, errand_);
}
void TransferOp::arm() { socket_->edge.stand(direction_, waiter_, errand_); }
void TransferOp::disarm() { socket_->edge.leave(direction_, waiter_, errand_); }

void TransferOp::finish(const char* what) {
  Edge& edge = socket_->edge;
  if (!waiter_.granted && edge.closed())
    fail(ENOTSOCK, socket_->on(what));
  if (error_ != 0)
    socket_->fail_transfer(error_, what);
  if (waiter_.granted) {
    edge.rested(); // it was parked
  } else if (edge.due()) {
    edge.rested();
    const Shield shield; // the message is ours: a kill waits
    grove::detail::yield_now();
  }
}

} // namespace detail

// -- receiving -----------------------------------------------------------------------------------

RecvOp::RecvOp(std::shared_ptr<detail::SocketState> socket)
    : TransferOp(std::move(socket), Direction::receive, *this) {}

Attempt RecvOp::operator()() noexcept {
  detail::Receiving receiving(message_);
  const Attempt result = receiving.attempt(socket_->handle);
  error_ = receiving.error();
  dropped_ = receiving.dropped();
  if (result == Attempt::done && error_ == 0)
    ++(dropped_ == 0 ? socket_->received : socket_->dropped);
  return result;
}

Message RecvOp::take() {
  finish("recv");
  if (dropped_ != 0)
    socket_->fail_parts(dropped_);
  return std::move(message_);
}

RecvMultipartOp::RecvMultipartOp(std::shared_ptr<detail::SocketState> socket)
    : TransferOp(std::move(socket), Direction::receive, *this) {}

Attempt RecvMultipartOp::operator()() noexcept {
  parts_.clear();
  detail::ReceivingAll receiving(parts_);
  const Attempt result = receiving.attempt(socket_->handle);
  error_ = receiving.error();
  failure_ = receiving.failure();
  if (result == Attempt::done && error_ == 0 && failure_ == nullptr)
    ++socket_->received;
  return result;
}

Multipart RecvMultipartOp::take() {
  finish("recv");
  if (failure_ != nullptr)
    std::rethrow_exception(failure_);
  return std::move(parts_);
}

// -- sending ----------------------------------------------------------------------------------

SendOp::SendOp(std::shared_ptr<detail::SocketState> socket, Multipart&& parts)
    : TransferOp(std::move(socket), Direction::send, *this), parts_(std::move(parts)) {
  if (parts_.empty())
    throw std::invalid_argument("grove: zmq::Socket.send_multipart_op: no parts");
}

Attempt SendOp::operator()() noexcept {
  if (parts_.empty()) { // sent already
    error_ = EINVAL;
    return Attempt::done;
  }
  detail::Sending sending(parts_, socket_->type, next_);
  const Attempt result = sending.attempt(socket_->handle);
  error_ = sending.error();
  next_ = result == Attempt::done ? 0 : sending.next();
  if (result == Attempt::done && error_ == 0)
    ++socket_->sent;
  return result;
}

void SendOp::take() {
  finish("send");
  parts_.clear();
}

// -- readiness --------------------------------------------------------------------------------

bool ReadyOp::ready() {
  socket_->check("zmq::Socket.wait_op");
  return socket_->edge.is_ready(direction_, seen_);
}
void ReadyOp::arm() { socket_->edge.stand_by(direction_, waiter_, seen_); }
void ReadyOp::disarm() { socket_->edge.leave(waiter_); }

} // namespace grove::zmq
