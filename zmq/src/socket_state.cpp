// SPDX-License-Identifier: MIT
// A socket's life, its waits, and what its errors say.
#include "socket_state.hpp"

#include <zmq.h>

#include <cerrno>
#include <utility>

#include <grove/hub/exceptions.hpp>

#include "fail.hpp"

namespace grove::zmq::detail {

static_assert(bit(Direction::receive) == ZMQ_POLLIN && bit(Direction::send) == ZMQ_POLLOUT);

namespace {

int descriptor_of(void* handle) noexcept {
  int fd = -1;
  std::size_t size = sizeof fd;
  zmq_getsockopt(handle, ZMQ_FD, &fd, &size);
  return fd;
}

void* open(ContextState& context, SocketType type, ContextState::Entry& entry) {
  void* const handle = context.open_socket(type, entry);
  if (handle == nullptr) {
    std::string what = std::string("open a ") + name_of(type) + " socket";
    if (zmq_errno() == EMFILE)
      what += " (see ContextOptions::max_sockets)";
    fail(zmq_errno(), what);
  }
  return handle;
}

// Where the kernel may ask whether a peer is still there: no stream of messages that count stands
// in the input, for the answer of one that has closed would throw away what is unread.
bool has_keepalive(SocketType type) noexcept {
  switch (type) {
  case SocketType::pub:
  case SocketType::sub:
  case SocketType::xpub:
  case SocketType::xsub:
  case SocketType::push:
  case SocketType::req:
    return true;
  default:
    return false;
  }
}

// See option.hpp, and docs/zmq.md for why.
void set_defaults(void* handle, SocketType type) noexcept {
  const auto set = [&](int option, int value) {
    zmq_setsockopt(handle, option, &value, sizeof value);
  };
  constexpr std::int64_t largest = 4 << 20;
  zmq_setsockopt(handle, ZMQ_MAXMSGSIZE, &largest, sizeof largest);
  set(ZMQ_LINGER, 1000);
  set(ZMQ_HANDSHAKE_IVL, 5000);
  if (type == SocketType::router)
    set(ZMQ_ROUTER_MANDATORY, 1);
  if (has_keepalive(type)) { // seconds
    set(ZMQ_TCP_KEEPALIVE, 1);
    set(ZMQ_TCP_KEEPALIVE_IDLE, 60);
    set(ZMQ_TCP_KEEPALIVE_INTVL, 10);
    set(ZMQ_TCP_KEEPALIVE_CNT, 3);
  }
}

const char* name_of(Direction direction) { return direction == Direction::send ? "send" : "recv"; }

} // namespace

SocketState::SocketState(std::shared_ptr<ContextState> state, SocketType t)
    : context(std::move(state)), handle(open(*context, t, entry)), type(t),
      readiness(descriptor_of(handle), grove::detail::readable,
                [](grove::detail::Watch& watch, unsigned) noexcept {
                  static_cast<SocketState*>(watch.owner)->edge.on_readable();
                }) {
  readiness.owner = this;
  reminder.owner = this;
  reminder.fire = [](grove::detail::Timer& timer) noexcept {
    static_cast<Reminder&>(timer).owner->edge.on_reminder();
  };
  set_defaults(handle, type);
}

void SocketState::close() noexcept {
  if (of_the_parent()) { // the descriptors are shared with the parent, the threads are not here
    handle = nullptr;
    return;
  }
  void* const old = std::exchange(handle, nullptr);
  edge.close(); // stops the watch, while the descriptor is still ours
  if (old != nullptr) {
    zmq_close(old);
    context->close_socket(entry);
  }
}

// -- the Port ------------------------------------------------------------------------------------

void SocketState::hear_of_the_end() noexcept {
  if (context->has_shut_down()) [[unlikely]]
    events();
}

unsigned SocketState::events() noexcept {
  int events = 0;
  std::size_t size = sizeof events;
  while (zmq_getsockopt(handle, ZMQ_EVENTS, &events, &size) != 0) {
    if (zmq_errno() != EINTR)
      return ZMQ_POLLIN | ZMQ_POLLOUT;
  }
  return static_cast<unsigned>(events);
}

void SocketState::watch(bool on) noexcept {
  if (on) {
    readiness.start();
  } else {
    readiness.stop();
    grove::detail::disarm(reminder);
  }
}

void SocketState::remind(std::chrono::nanoseconds after) noexcept {
  const std::int64_t due = after == after.zero() ? 0 : Deadline(after).nanoseconds();
  if (reminder.armed()) {
    if (reminder.due <= due)
      return;
    grove::detail::disarm(reminder);
  }
  grove::detail::arm(reminder, due);
}

std::chrono::nanoseconds SocketState::pause(Direction d) noexcept {
  const bool sends = d == Direction::send;
  Gather& gather = gathers[static_cast<std::size_t>(d)];
  return gather.before_wait(grove::detail::now_nanoseconds(), sends ? sent : received,
                            sends ? received : sent)
             ? Gather::pause
             : std::chrono::nanoseconds::zero();
}

// -- errors --------------------------------------------------------------------------------------

std::string SocketState::on(const char* what) const {
  std::string text = std::string(what) + " on " + zmq::name_of(type);
  if (handle == nullptr)
    return text;
  const std::vector<std::string>& endpoints = entry->endpoints;
  if (!endpoints.empty())
    text += " " + endpoints.front();
  if (endpoints.size() > 1)
    text += " and " + std::to_string(endpoints.size() - 1) + " more";
  return text;
}

void SocketState::fail_transfer(int error, const char* what) const {
  std::string text = on(what);
  if (error == EFSM) {
    text += type == SocketType::req ? " (send a request, then receive its reply, in turn)"
                                    : " (receive a request, then send its reply, in turn)";
  } else if (error == ENOTSUP) {
    text += " (this type only goes the other way)";
  } else if (error == EHOSTUNREACH) {
    text += " (no peer has the routing id in the first part)";
  } else if (error == EINVAL && (type == SocketType::router || type == SocketType::stream)) {
    text += " (the first part names the peer, the message follows)";
  }
  fail(error, text);
}

void SocketState::fail_parts(std::size_t count) const {
  fail(EPROTO, on("recv") + ": a message of " + std::to_string(count) +
                   " parts was dropped, recv_multipart() takes them");
}

// -- calls ---------------------------------------------------------------------------------------

Deadline SocketState::limit(Direction direction, const Deadline* deadline) const {
  if (deadline != nullptr)
    return *deadline;
  const std::int64_t timeout = timeouts[static_cast<std::size_t>(direction)];
  return timeout < 0 ? Deadline() : Deadline(std::chrono::milliseconds(timeout));
}

void SocketState::complete(Direction direction, const char* what, const Deadline* deadline,
                           AttemptRef attempt, Outcome first) {
  const std::shared_ptr<SocketState> keep = shared_from_this();
  hear_of_the_end();
  switch (edge.wait(direction, what, limit(direction, deadline), attempt, first)) {
  case Outcome::timeout:
    throw TimeoutError(on(name_of(direction)) + ": the time limit has passed");
  case Outcome::closed:
    fail(ENOTSOCK, on(name_of(direction)));
  default:
    return;
  }
}

void SocketState::finish(const Sending& sending) {
  if (sending.error() != 0) [[unlikely]]
    fail_transfer(sending.error(), "send");
  ++sent;
}

void SocketState::finish(const Receiving& receiving) {
  if (receiving.error() != 0) [[unlikely]]
    fail_transfer(receiving.error(), "recv");
  if (receiving.dropped() != 0) [[unlikely]] {
    ++dropped;
    fail_parts(receiving.dropped());
  }
  ++received;
}

bool SocketState::send(std::span<Message> parts, Patience patience, const Deadline* deadline) {
  Sending sending(parts, type);
  auto attempt = [this, &sending]() noexcept { return sending.attempt(handle); };
  const bool done = run(Direction::send, "zmq::Socket.send", patience, deadline, attempt);
  if (done)
    finish(sending);
  return done;
}

void SocketState::send_slowly(Message& message, const Deadline* deadline, Outcome first) {
  Sending sending({&message, 1}, type);
  auto attempt = [this, &sending]() noexcept { return sending.attempt(handle); };
  complete(Direction::send, "zmq::Socket.send", deadline, attempt, first);
  finish(sending);
}

void SocketState::recv_slowly(Message& message, const Deadline* deadline, Outcome first) {
  Receiving receiving(message);
  auto attempt = [this, &receiving]() noexcept { return receiving.attempt(handle); };
  if (first == Outcome::done)
    receiving.drop(handle);
  else
    complete(Direction::receive, "zmq::Socket.recv", deadline, attempt, first);
  finish(receiving);
}

bool SocketState::try_recv_one(Message& message) {
  hear_of_the_end();
  Receiving receiving(message);
  auto attempt = [this, &receiving]() noexcept { return receiving.attempt(handle); };
  if (edge.try_once(Direction::receive, attempt) != Outcome::done)
    return false;
  finish(receiving);
  return true;
}

bool SocketState::recv_all(Multipart& parts, Patience patience, const Deadline* deadline) {
  ReceivingAll receiving(parts);
  auto attempt = [this, &receiving]() noexcept { return receiving.attempt(handle); };
  const bool done = run(Direction::receive, "zmq::Socket.recv", patience, deadline, attempt);
  if (receiving.error() != 0) [[unlikely]]
    fail_transfer(receiving.error(), "recv");
  if (receiving.failure() != nullptr) [[unlikely]]
    std::rethrow_exception(receiving.failure());
  received += done;
  return done;
}

} // namespace grove::zmq::detail
