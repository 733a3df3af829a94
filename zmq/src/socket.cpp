// SPDX-License-Identifier: MIT
// Socket: properties, endpoints, and the ways to call what SocketState does.
#include <grove/zmq/socket.hpp>

#include <zmq.h>

#include <array>
#include <cerrno>
#include <limits>
#include <stdexcept>
#include <utility>

#include "endpoint.hpp"
#include "fail.hpp"
#include "socket_state.hpp"

namespace grove::zmq {

using detail::Patience;
using detail::SocketState;

static_assert(static_cast<int>(SocketType::pair) == ZMQ_PAIR &&
              static_cast<int>(SocketType::sub) == ZMQ_SUB &&
              static_cast<int>(SocketType::rep) == ZMQ_REP &&
              static_cast<int>(SocketType::dealer) == ZMQ_DEALER &&
              static_cast<int>(SocketType::router) == ZMQ_ROUTER &&
              static_cast<int>(SocketType::push) == ZMQ_PUSH &&
              static_cast<int>(SocketType::xsub) == ZMQ_XSUB &&
              static_cast<int>(SocketType::stream) == ZMQ_STREAM);

const char* name_of(SocketType type) noexcept {
  static constexpr std::array names{"PAIR",   "PUB",  "SUB",  "REQ",  "REP",  "DEALER",
                                    "ROUTER", "PULL", "PUSH", "XPUB", "XSUB", "STREAM"};
  const auto index = static_cast<std::size_t>(type);
  return index < names.size() ? names[index] : "unknown socket";
}

// -- construction ------------------------------------------------------------------------------

Socket::Socket(SocketType type) : Socket(Context::process(), type) {}

Socket::Socket(Context& context, SocketType type)
    : impl_(std::make_shared<SocketState>(context.state_, type)) {}

Socket::Socket(const Socket& sibling, SocketType type)
    : impl_(std::make_shared<SocketState>(sibling.use("zmq::Socket").context, type)) {}

Socket::Socket(Socket&& other) noexcept = default;

Socket& Socket::operator=(Socket&& other) noexcept {
  if (this != &other) {
    close_quietly();
    impl_ = std::move(other.impl_);
  }
  return *this;
}

Socket::~Socket() { close_quietly(); }

void Socket::close() {
  if (impl_ == nullptr)
    return;
  if (!closed() && !impl_->of_the_parent())
    impl_->home("zmq::Socket.close");
  impl_->close();
}

void Socket::close_quietly() noexcept {
  if (impl_ != nullptr)
    impl_->close();
}

// -- properties --------------------------------------------------------------------------------

namespace {

[[noreturn]] void fail_moved(const char* what) {
  throw Closed(std::string(what) + ": the socket was moved away");
}

} // namespace

inline SocketState& Socket::use(const char* what) const {
  if (impl_ == nullptr) [[unlikely]]
    fail_moved(what);
  impl_->check(what);
  return *impl_;
}

std::shared_ptr<SocketState> Socket::share(const char* what) const {
  use(what);
  return impl_;
}

SocketStats Socket::stats() const {
  const SocketState& state = use("zmq::Socket.stats");
  const detail::Edge::Counts& counts = state.edge.counts();
  return {.sent = state.sent,
          .received = state.received,
          .dropped = state.dropped,
          .bad = state.bad,
          .wake_ups = counts.wake_ups,
          .spurious_wake_ups = counts.spurious,
          .eagain = counts.again,
          .looks = counts.looks,
          .glances = counts.glances,
          .gathers = counts.gathers};
}

SocketType Socket::type() const { return use("zmq::Socket.type").type; }

bool Socket::closed() const noexcept { return impl_ == nullptr || impl_->handle == nullptr; }

void* Socket::native_handle() const noexcept { return impl_ == nullptr ? nullptr : impl_->handle; }

std::function<void*()> Socket::handle_while_heard_by(std::uint64_t monitor) const {
  impl_->monitor = monitor;
  return [impl = std::weak_ptr(impl_), monitor]() -> void* {
    const auto open = impl.lock();
    return open == nullptr || open->monitor != monitor ? nullptr : open->handle;
  };
}

void Socket::set_raw(int number, const char* name, const void* value, std::size_t size) {
  SocketState& impl = use("zmq::Socket.set");
  if (zmq_setsockopt(impl.handle, number, value, size) != 0) {
    const int error = zmq_errno();
    impl.edge.settle();
    detail::fail(error, impl.on((std::string("set ") + name).c_str()));
  }
  impl.edge.settle();
}

void Socket::set_int(int number, const char* name, std::int64_t value) {
  if (value < std::numeric_limits<int>::min() || value > std::numeric_limits<int>::max()) {
    const std::string what = std::string("set ") + name + " to " + std::to_string(value);
    detail::fail(EINVAL, use("zmq::Socket.set").on(what.c_str()));
  }
  const int narrow = static_cast<int>(value);
  set_raw(number, name, &narrow, sizeof narrow);
  if (number == ZMQ_RCVTIMEO || number == ZMQ_SNDTIMEO) {
    impl_->timeouts[number == ZMQ_SNDTIMEO ? 1 : 0] = value;
  }
}

void Socket::set_text(int number, const char* name, std::string_view value) {
  set_raw(number, name, value.data(), value.size());
}

void Socket::get_raw(int number, const char* name, void* value, std::size_t& size) const {
  const SocketState& impl = use("zmq::Socket.get");
  if (zmq_getsockopt(impl.handle, number, value, &size) != 0) {
    detail::fail(zmq_errno(), impl.on((std::string("get ") + name).c_str()));
  }
}

int Socket::get_int(int number, const char* name) const {
  int value = 0;
  std::size_t size = sizeof value;
  get_raw(number, name, &value, size);
  return value;
}

namespace {
constexpr std::size_t longest_text = 1024; // endpoints and keys are shorter
}

std::string Socket::get_text(int number, const char* name) const {
  std::array<char, longest_text> buffer{};
  std::size_t size = buffer.size();
  if (number == ZMQ_CURVE_PUBLICKEY || number == ZMQ_CURVE_SERVERKEY)
    size = 41; // this very size asks for Z85
  get_raw(number, name, buffer.data(), size);
  // All but a routing id, which is any bytes, come with a NUL at their end.
  if (number != ZMQ_ROUTING_ID && size > 0 && buffer[size - 1] == '\0')
    --size;
  return {buffer.data(), size};
}

// -- endpoints ---------------------------------------------------------------------------------
// Each may make a peer known at once, without a word through the descriptor: hence settle().

namespace {

[[noreturn]] void fail_endpoint(int error, const char* what, const SocketState& socket,
                                const char* to, const std::string& endpoint) {
  std::string text = std::string(what) + " " + name_of(socket.type) + to + endpoint;
  if (error == EINVAL || error == EPROTONOSUPPORT) {
    text += " (expected tcp://HOST:PORT, ipc://PATH or inproc://NAME)";
  } else if (error == ENOENT) {
    text += " (not an endpoint of this socket)";
  } else if (error == EPERM) {
    text += " (others can reach it: make_curve_server() it, or allow_public_bind())";
  }
  detail::fail(error, text);
}

} // namespace

// Whether it is as make_curve_server() leaves a socket: else libzmq lets everybody in while there
// is no Authenticator.
bool Socket::admits_by_curve() const {
  return get(option::mechanism) == Mechanism::curve && get(option::curve_server) &&
         get(option::zap_enforce_domain);
}

std::string Socket::bind(const std::string& endpoint) {
  SocketState& impl = use("zmq::Socket.bind");
  if (!impl.public_bind && detail::is_public(endpoint) && impl.handle != nullptr &&
      !admits_by_curve()) {
    fail_endpoint(EPERM, "bind", impl, " to ", endpoint);
  }
  std::string bound(longest_text, '\0'); // no memory: nothing was bound
  const int error = zmq_bind(impl.handle, endpoint.c_str()) == 0 ? 0 : zmq_errno();
  impl.edge.settle();
  if (error != 0)
    fail_endpoint(error, "bind", impl, " to ", endpoint);
  std::size_t size = bound.size();
  get_raw(ZMQ_LAST_ENDPOINT, option::last_endpoint.name, bound.data(), size);
  bound.resize(size - 1); // without the NUL
  impl.context->add_endpoint(impl.entry, bound);
  return bound;
}

void Socket::allow_public_bind(bool allow) {
  use("zmq::Socket.allow_public_bind").public_bind = allow;
}

void Socket::connect(const std::string& endpoint) {
  SocketState& impl = use("zmq::Socket.connect");
  const int error = zmq_connect(impl.handle, endpoint.c_str()) == 0 ? 0 : zmq_errno();
  impl.edge.settle();
  if (error != 0)
    fail_endpoint(error, "connect", impl, " to ", endpoint);
  impl.context->add_endpoint(impl.entry, endpoint);
}

void Socket::unbind(const std::string& endpoint) {
  SocketState& impl = use("zmq::Socket.unbind");
  const int error = zmq_unbind(impl.handle, endpoint.c_str()) == 0 ? 0 : zmq_errno();
  impl.edge.settle();
  if (error != 0)
    fail_endpoint(error, "unbind", impl, " from ", endpoint);
  impl.context->remove_endpoint(impl.entry, endpoint);
}

void Socket::disconnect(const std::string& endpoint) {
  SocketState& impl = use("zmq::Socket.disconnect");
  const int error = zmq_disconnect(impl.handle, endpoint.c_str()) == 0 ? 0 : zmq_errno();
  impl.edge.settle();
  if (error != 0)
    fail_endpoint(error, "disconnect", impl, " from ", endpoint);
  impl.context->remove_endpoint(impl.entry, endpoint);
}

// -- sending and receiving -----------------------------------------------------------------------

namespace {

std::span<Message> at_least_one(Multipart& parts) {
  if (parts.empty())
    throw std::invalid_argument("grove: zmq::Socket.send_multipart: no parts");
  return parts;
}
Multipart to_messages(std::initializer_list<std::string_view> parts) {
  return {parts.begin(), parts.end()};
}

} // namespace

void Socket::send(Message&& message) { use("zmq::Socket.send").send_one(message, nullptr); }
void Socket::send(Message&& message, Deadline deadline) {
  use("zmq::Socket.send").send_one(message, &deadline);
}
void Socket::send_few(std::span<const std::byte> content) {
  use("zmq::Socket.send").send_few(content);
}
bool Socket::try_send(Message&& message) {
  return use("zmq::Socket.try_send").send({&message, 1}, Patience::never, nullptr);
}

void Socket::send_multipart(Multipart&& parts) {
  use("zmq::Socket.send_multipart").send(at_least_one(parts), Patience::wait, nullptr);
  parts.clear();
}
void Socket::send_multipart(Multipart&& parts, Deadline deadline) {
  use("zmq::Socket.send_multipart").send(at_least_one(parts), Patience::wait, &deadline);
  parts.clear();
}
void Socket::send_multipart(std::initializer_list<std::string_view> parts) {
  send_multipart(to_messages(parts));
}
void Socket::send_multipart(std::initializer_list<std::string_view> parts, Deadline deadline) {
  send_multipart(to_messages(parts), deadline);
}
bool Socket::try_send_multipart(Multipart&& parts) {
  SocketState& impl = use("zmq::Socket.try_send_multipart");
  if (!impl.send(at_least_one(parts), Patience::never, nullptr))
    return false;
  parts.clear();
  return true;
}

Message Socket::recv() {
  Message message;
  use("zmq::Socket.recv").recv_one(message, nullptr);
  return message;
}
Message Socket::recv(Deadline deadline) {
  Message message;
  use("zmq::Socket.recv").recv_one(message, &deadline);
  return message;
}
std::optional<Message> Socket::try_recv() {
  std::optional<Message> message(std::in_place);
  if (!use("zmq::Socket.try_recv").try_recv_one(*message))
    message.reset();
  return message;
}

Multipart Socket::recv_multipart() {
  Multipart parts;
  use("zmq::Socket.recv_multipart").recv_all(parts, Patience::wait, nullptr);
  return parts;
}
Multipart Socket::recv_multipart(Deadline deadline) {
  Multipart parts;
  use("zmq::Socket.recv_multipart").recv_all(parts, Patience::wait, &deadline);
  return parts;
}
std::optional<Multipart> Socket::try_recv_multipart() {
  std::optional<Multipart> parts(std::in_place);
  SocketState& impl = use("zmq::Socket.try_recv_multipart");
  if (!impl.recv_all(*parts, Patience::never, nullptr))
    parts.reset();
  return parts;
}

// -- typed messages ------------------------------------------------------------------------------

void Socket::refuse(const EncodeError& error) const {
  throw EncodeError(use("zmq::Socket.send").on("send") + ": " + error.what());
}
void Socket::refuse(const DecodeError& error, Message&& message) {
  refuse(error, multipart(std::move(message)));
}
void Socket::refuse(const DecodeError& error, Multipart&& parts) {
  ++impl_->bad;
  throw BadMessage(impl_->on("recv") + ": " + error.what(), error.offset(), std::move(parts));
}

// -- waiting on many -----------------------------------------------------------------------------

RecvOp Socket::recv_op() { return RecvOp(share("zmq::Socket.recv_op")); }
RecvMultipartOp Socket::recv_multipart_op() {
  return RecvMultipartOp(share("zmq::Socket.recv_multipart_op"));
}
SendOp Socket::send_op(Message&& message) {
  return {share("zmq::Socket.send_op"), multipart(std::move(message))};
}
SendOp Socket::send_multipart_op(Multipart&& parts) {
  return {share("zmq::Socket.send_multipart_op"), std::move(parts)};
}
ReadyOp Socket::wait_op() { return {share("zmq::Socket.wait_op"), detail::Direction::receive}; }
ReadyOp Socket::writable_op() {
  return {share("zmq::Socket.writable_op"), detail::Direction::send};
}

} // namespace grove::zmq
