// SPDX-License-Identifier: MIT
// Socket: libzmq's operations under the protocol of edge.hpp.
#include <grove/zmq/socket.hpp>

#include <zmq.hpp>

#include <array>
#include <cerrno>
#include <limits>
#include <span>
#include <stdexcept>
#include <utility>

#include <grove/hub/detail/wait.hpp>
#include <grove/hub/detail/watch.hpp>

#include "context_state.hpp"
#include "edge.hpp"
#include "fail.hpp"
#include "transfer.hpp"

namespace grove::zmq {

using detail::Attempt;
using detail::Direction;
using detail::Outcome;

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

namespace {

std::string on(const char* what, SocketType type) {
  return std::string(what) + " on " + name_of(type);
}

[[noreturn]] void fail_operation(int error, const char* what, SocketType type) {
  std::string text = on(what, type);
  if (error == EFSM) {
    text += type == SocketType::req ? " (send a request, then receive its reply, in turn)"
                                    : " (receive a request, then send its reply, in turn)";
  } else if (error == ENOTSUP) {
    text += " (this type only goes the other way)";
  } else if (error == EHOSTUNREACH) {
    text += " (no peer has the routing id in the first part)";
  }
  detail::fail(error, text);
}

[[noreturn]] void fail_moved(const char* what) {
  throw Closed(std::string(what) + ": the socket was moved away");
}

[[noreturn]] void fail_endpoint(int error, const char* what, const std::string& endpoint) {
  std::string text = std::string(what) + " " + endpoint;
  if (error == EINVAL || error == EPROTONOSUPPORT) {
    text += " (expected tcp://HOST:PORT, ipc://PATH or inproc://NAME)";
  } else if (error == ENOENT) {
    text += " (not an endpoint of this socket)";
  }
  detail::fail(error, text);
}

const char* name_of(Direction direction) { return direction == Direction::send ? "send" : "recv"; }

enum class Patience : std::uint8_t { wait, never };

constexpr auto default_linger = std::chrono::milliseconds(1000);

} // namespace

// Outlives the Socket while greenlets wait in it.
struct Socket::Impl final : detail::Port, std::enable_shared_from_this<Impl> {
  grove::detail::HomeCheck home;
  std::shared_ptr<detail::ContextState> context;
  ::zmq::socket_t socket; // empty once closed, which libzmq answers with ENOTSOCK
  SocketType type;
  std::array<std::int64_t, 2> timeouts{-1, -1}; // rcvtimeo, sndtimeo, in ms
  detail::Edge edge{*this};
  grove::detail::Watch readiness;

  Impl(std::shared_ptr<detail::ContextState> state, SocketType t)
      : context(std::move(state)), socket(open(*context, t)), type(t),
        readiness(socket.get(::zmq::sockopt::fd), grove::detail::readable,
                  [](grove::detail::Watch& watch, unsigned) noexcept {
                    static_cast<Impl*>(watch.owner)->edge.on_readable();
                  }) {
    readiness.owner = this;
    socket.set(::zmq::sockopt::linger, static_cast<int>(default_linger.count()));
  }
  ~Impl() { close(); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  static ::zmq::socket_t open(detail::ContextState& state, SocketType type) {
    try {
      return state.open_socket(static_cast<int>(type));
    } catch (const ::zmq::error_t& error) {
      std::string what = std::string("open a ") + name_of(type) + " socket";
      if (error.num() == EMFILE)
        what += " (see ContextOptions::max_sockets)";
      detail::fail(error.num(), what);
    }
  }

  void* handle() const noexcept { return const_cast<::zmq::socket_t&>(socket).handle(); }
  void close() noexcept {
    ::zmq::socket_t old = std::move(socket);
    edge.close(); // stops the watch, while the descriptor is still ours
  }

  unsigned events() noexcept override {
    int events = 0;
    std::size_t size = sizeof events;
    while (zmq_getsockopt(handle(), ZMQ_EVENTS, &events, &size) != 0) {
      if (zmq_errno() != EINTR)
        return ZMQ_POLLIN | ZMQ_POLLOUT;
    }
    return static_cast<unsigned>(events);
  }
  void watch(bool on) noexcept override {
    if (on)
      readiness.start();
    else
      readiness.stop();
  }
  static_assert(detail::bit(Direction::receive) == ZMQ_POLLIN &&
                detail::bit(Direction::send) == ZMQ_POLLOUT);

  Deadline limit(Direction direction, const Deadline* deadline) const {
    if (deadline != nullptr)
      return *deadline;
    const std::int64_t timeout = timeouts[static_cast<std::size_t>(direction)];
    return timeout < 0 ? Deadline() : Deadline(std::chrono::milliseconds(timeout));
  }

  // The operation, under the protocol. False if it must not wait and would have to. The Impl may be
  // gone after an exception; not after a return, since then the last attempt found it open.
  template <class F>
  bool run(Direction direction, const char* what, Patience patience, const Deadline* deadline,
           F& attempt) {
    if (patience == Patience::never)
      return edge.try_once(direction, attempt) == Outcome::done;
    const Outcome first = edge.first(direction, attempt);
    if (first != Outcome::done) [[unlikely]] {
      complete(direction, what, deadline, attempt, first);
    }
    return true;
  }
  void complete(Direction direction, const char* what, const Deadline* deadline,
                detail::AttemptRef attempt, Outcome first);

  bool send(std::span<Message> parts, Patience patience, const Deadline* deadline);
  bool recv_first(Message& message, Patience patience, const Deadline* deadline);
  bool recv_one(Message& message, Patience patience, const Deadline* deadline);
  bool recv_all(Multipart& parts, Patience patience, const Deadline* deadline);
};

void Socket::Impl::complete(Direction direction, const char* what, const Deadline* deadline,
                            detail::AttemptRef attempt, Outcome first) {
  const std::shared_ptr<Impl> keep = shared_from_this();
  switch (edge.wait(direction, what, limit(direction, deadline), attempt, first)) {
  case Outcome::timeout:
    throw TimeoutError(on(name_of(direction), type) + ": the time limit has passed");
  case Outcome::closed:
    detail::fail(ENOTSOCK, on(name_of(direction), type));
  default:
    return;
  }
}

// -- construction ------------------------------------------------------------------------------

Socket::Socket(SocketType type) : Socket(Context::process(), type) {}

Socket::Socket(Context& context, SocketType type)
    : impl_(std::make_shared<Impl>(context.state_, type)) {}

Socket::Socket(Socket&& other) noexcept = default;

Socket& Socket::operator=(Socket&& other) noexcept {
  if (this != &other) {
    close();
    impl_ = std::move(other.impl_);
  }
  return *this;
}

Socket::~Socket() { close(); }

void Socket::close() noexcept {
  if (impl_ != nullptr)
    impl_->close();
}

// -- properties --------------------------------------------------------------------------------

inline Socket::Impl& Socket::use(const char* what) const {
  if (impl_ == nullptr) [[unlikely]]
    fail_moved(what);
  impl_->home(what);
  return *impl_;
}

SocketType Socket::type() const { return use("zmq::Socket.type").type; }

bool Socket::closed() const noexcept { return impl_ == nullptr || impl_->handle() == nullptr; }

void* Socket::native_handle() const noexcept {
  return impl_ == nullptr ? nullptr : impl_->handle();
}

void Socket::set_raw(int number, const char* name, const void* value, std::size_t size) {
  Impl& impl = use("zmq::Socket.set");
  if (zmq_setsockopt(impl.handle(), number, value, size) != 0) {
    const int error = zmq_errno();
    impl.edge.settle();
    detail::fail(error, on((std::string("set ") + name).c_str(), impl.type));
  }
  impl.edge.settle();
}

void Socket::set_int(int number, const char* name, std::int64_t value) {
  if (value < std::numeric_limits<int>::min() || value > std::numeric_limits<int>::max()) {
    detail::fail(EINVAL, std::string("set ") + name + " to " + std::to_string(value));
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
  const Impl& impl = use("zmq::Socket.get");
  if (zmq_getsockopt(impl.handle(), number, value, &size) != 0) {
    detail::fail(zmq_errno(), on((std::string("get ") + name).c_str(), impl.type));
  }
}

int Socket::get_int(int number, const char* name) const {
  int value = 0;
  std::size_t size = sizeof value;
  get_raw(number, name, &value, size);
  return value;
}

std::string Socket::get_text(int number, const char* name) const {
  std::array<char, 1024> buffer{}; // endpoints and keys are shorter
  std::size_t size = buffer.size();
  if (number == ZMQ_CURVE_PUBLICKEY || number == ZMQ_CURVE_SECRETKEY ||
      number == ZMQ_CURVE_SERVERKEY) {
    size = 41; // this very size asks for Z85
  }
  get_raw(number, name, buffer.data(), size);
  // All but a routing id, which is any bytes, come with a NUL at their end.
  if (number != ZMQ_ROUTING_ID && size > 0 && buffer[size - 1] == '\0')
    --size;
  return {buffer.data(), size};
}

// -- endpoints ---------------------------------------------------------------------------------
// Each may make a peer known at once, without a word through the descriptor: hence settle().

std::string Socket::bind(const std::string& endpoint) {
  Impl& impl = use("zmq::Socket.bind");
  const int error = zmq_bind(impl.handle(), endpoint.c_str()) == 0 ? 0 : zmq_errno();
  impl.edge.settle();
  if (error != 0)
    fail_endpoint(error, "bind", endpoint);
  return get(option::last_endpoint);
}

void Socket::connect(const std::string& endpoint) {
  Impl& impl = use("zmq::Socket.connect");
  const int error = zmq_connect(impl.handle(), endpoint.c_str()) == 0 ? 0 : zmq_errno();
  impl.edge.settle();
  if (error != 0)
    fail_endpoint(error, "connect", endpoint);
}

void Socket::unbind(const std::string& endpoint) {
  Impl& impl = use("zmq::Socket.unbind");
  const int error = zmq_unbind(impl.handle(), endpoint.c_str()) == 0 ? 0 : zmq_errno();
  impl.edge.settle();
  if (error != 0)
    fail_endpoint(error, "unbind", endpoint);
}

void Socket::disconnect(const std::string& endpoint) {
  Impl& impl = use("zmq::Socket.disconnect");
  const int error = zmq_disconnect(impl.handle(), endpoint.c_str()) == 0 ? 0 : zmq_errno();
  impl.edge.settle();
  if (error != 0)
    fail_endpoint(error, "disconnect", endpoint);
}

// -- sending and receiving -----------------------------------------------------------------------

bool Socket::Impl::send(std::span<Message> parts, Patience patience, const Deadline* deadline) {
  detail::Sending sending(parts, type);
  auto attempt = [this, &sending]() noexcept { return sending.attempt(handle()); };
  const bool done = run(Direction::send, "zmq::Socket.send", patience, deadline, attempt);
  if (sending.error() != 0) [[unlikely]]
    fail_operation(sending.error(), "send", type);
  return done;
}

bool Socket::Impl::recv_first(Message& message, Patience patience, const Deadline* deadline) {
  detail::Receiving receiving(message);
  auto attempt = [this, &receiving]() noexcept { return receiving.attempt(handle()); };
  const bool done = run(Direction::receive, "zmq::Socket.recv", patience, deadline, attempt);
  if (receiving.error() != 0) [[unlikely]]
    fail_operation(receiving.error(), "recv", type);
  return done;
}

bool Socket::Impl::recv_one(Message& message, Patience patience, const Deadline* deadline) {
  if (!recv_first(message, patience, deadline))
    return false;
  if (detail::has_more(message)) [[unlikely]] {
    const std::size_t parts = 1 + detail::drop_rest(handle(), message);
    detail::fail(EPROTO, on("recv", type) + ": a message of " + std::to_string(parts) +
                             " parts was dropped, recv_multipart() takes them");
  }
  return true;
}

bool Socket::Impl::recv_all(Multipart& parts, Patience patience, const Deadline* deadline) {
  parts.emplace_back();
  if (!recv_first(parts.back(), patience, deadline))
    return false;
  while (detail::has_more(parts.back())) {
    try {
      parts.emplace_back();
    } catch (...) { // no memory: the next message must not begin in the middle of this one
      detail::drop_rest(handle(), parts.back());
      throw;
    }
    if (const int error = detail::receive_part(handle(), parts.back()); error != 0) {
      fail_operation(error, "recv", type);
    }
  }
  return true;
}

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

void Socket::send(Message&& message) {
  use("zmq::Socket.send").send({&message, 1}, Patience::wait, nullptr);
}
void Socket::send(Message&& message, Deadline deadline) {
  use("zmq::Socket.send").send({&message, 1}, Patience::wait, &deadline);
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
  Impl& impl = use("zmq::Socket.try_send_multipart");
  if (!impl.send(at_least_one(parts), Patience::never, nullptr))
    return false;
  parts.clear();
  return true;
}

Message Socket::recv() {
  Message message;
  use("zmq::Socket.recv").recv_one(message, Patience::wait, nullptr);
  return message;
}
Message Socket::recv(Deadline deadline) {
  Message message;
  use("zmq::Socket.recv").recv_one(message, Patience::wait, &deadline);
  return message;
}
std::optional<Message> Socket::try_recv() {
  std::optional<Message> message(std::in_place);
  if (!use("zmq::Socket.try_recv").recv_one(*message, Patience::never, nullptr))
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
  Impl& impl = use("zmq::Socket.try_recv_multipart");
  if (!impl.recv_all(*parts, Patience::never, nullptr))
    parts.reset();
  return parts;
}

} // namespace grove::zmq
