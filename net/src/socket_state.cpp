// SPDX-License-Identifier: MIT
// A socket's waits, its errors and its end.
#include "socket_state.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <new>
#include <stdexcept>
#include <system_error>
#include <utility>

#include <grove/hub/detail/closings.hpp>
#include <grove/hub/detail/readiness.hpp>
#include <grove/hub/detail/report.hpp>
#include <grove/hub/exceptions.hpp>

namespace grove::net::detail {

using grove::detail::Watch;

constinit thread_local Budget budget;

// yield_now() looks outside only now and then: after so long, it is to.
void Budget::give_way() {
  renew();
  since_ = grove::detail::look_at_turn(grove::detail::here(), since_);
  grove::detail::yield_now();
}

// -- one direction -------------------------------------------------------------------------------

Side::Side(int fd, unsigned interest)
    : Watch(fd, interest, [](Watch& w, unsigned) noexcept { static_cast<Side&>(w).on_event(); }) {
  counted = false;
}

void Side::on_event() noexcept {
  if (transfers() != nullptr && grove::detail::wake(transfers())) {
    granted = true;
    ++grove::detail::this_hub->unserved;
  }
  if (!line.empty())
    line.grant_all();
  if (waiting == 0)
    stop();
}

void Side::begin_wait() {
  if (!active())
    start();
  ++waiting;
  ++grove::detail::this_hub->awaiting;
}

void Side::end_wait() {
  --waiting;
  --grove::detail::this_hub->awaiting;
}

void Side::end() {
  forget_the_dead();
  stop();
  if (transfers() != nullptr) {
    broken = true;
    grove::detail::wake(transfers());
  }
  line.break_all();
}

bool Side::forget_the_dead() {
  if (active() || waiting == 0)
    return false;
  owner = nullptr;
  ::new (&line) grove::detail::WaitList; // what was linked is on stacks that are gone
  waiting = 0;                           // and the hub has forgotten them too
  return true;
}

// -- waiting -------------------------------------------------------------------------------------

namespace {

// Of thousands of greenlets none that is woken is in the cache, nor its stack in the TLB. The next
// one's stack is fetched while the kernel works for this one. A prefetch does not walk the page
// tables, a load does, several at a time: so a few of those behind it are looked at in one go.
class LookAhead {
public:
  void operator()() {
    const grove::detail::Identity* next = grove::detail::this_hub->run_head;
    if (next == nullptr) {
      walked_ = 0;
      return;
    }
    if (walked_ == 0)
      walk(next);
    else
      --walked_;
    // A number, for it is null of one that has not begun.
    const auto frames = reinterpret_cast<std::uintptr_t>(next->sp);
    for (std::uintptr_t line = 0; line < 8; ++line)
      __builtin_prefetch(reinterpret_cast<const void*>(frames + line * 64));
    __builtin_prefetch(next->context);
  }

private:
  __attribute__((noinline, no_sanitize("address", "thread"))) void
  walk(const grove::detail::Identity* one) {
    for (; one != nullptr && walked_ < most; one = one->next, ++walked_) {
      if (one->context != nullptr)
        asm volatile("" ::"r"(*static_cast<const volatile char*>(one->sp)));
    }
    --walked_;
  }
  static constexpr unsigned most = 8;
  unsigned walked_ = 0;
};
constinit thread_local LookAhead look_ahead;

} // namespace

// A greenlet transfers that way as long as this lives. The state may go when it does.
struct SocketState::Taking {
  SocketRef keep;
  bool& taken;
  Taking(SocketState* state, Way way)
      : keep(state), taken(state->taken[static_cast<std::size_t>(way)]) {
    ++state->references;
    taken = true;
  }
  Taking(const Taking&) = delete;
  Taking& operator=(const Taking&) = delete;
  ~Taking() { taken = false; }
};

bool SocketState::wait(Way way, const char* what, Deadline deadline) {
  Side& its = side(way);
  const Taking taking(this, way);
  struct Standing {
    Side& side;
    explicit Standing(Side& s) : side(s) {
      side.begin_wait();
      side.owner = grove::detail::here().current;
      side.granted = side.broken = false;
    }
    Standing(const Standing&) = delete;
    Standing& operator=(const Standing&) = delete;
    ~Standing() {
      side.owner = nullptr;
      side.end_wait();
      if (side.granted)
        --grove::detail::this_hub->unserved;
    }
  };
  const Standing standing(its);
  const grove::detail::Wake why = grove::detail::park_until(what, deadline);
  look_ahead();
  budget.renew();
  if (its.broken || fd < 0) [[unlikely]]
    throw_closed(what);
  return why == grove::detail::Wake::ready;
}

void SocketState::give_way(Way way, const char* what) {
  const Taking taking(this, way);
  budget.give_way();
  if (fd < 0)
    throw_closed(what);
}

bool SocketState::is_ready(Way way) const {
  if (way == Way::in && at_end)
    return true;
  return grove::detail::is_ready_now(fd, way == Way::in ? POLLIN | POLLRDHUP : POLLOUT);
}

bool SocketState::wait_ready(Way way, const char* what, Deadline deadline) {
  begin(way, what);
  bool& wait_first = drained[static_cast<std::size_t>(way)];
  if (!wait_first && is_ready(way))
    return true;
  wait_first = false;
  return wait(way, what, deadline) || is_ready(way);
}

Side& SocketState::side_to_write() {
  if (writes_ == nullptr) [[unlikely]]
    writes_ = std::make_unique<Side>(fd, grove::detail::writable);
  return *writes_;
}

void SocketState::check_taken(Way way, const char* what) {
  if (side(way).forget_the_dead())
    taken[static_cast<std::size_t>(way)] = false;
  else
    throw std::logic_error("grove: " + std::string(what) + " on " + name() +
                           ": another greenlet waits in the same direction");
}

// -- the end -------------------------------------------------------------------------------------

int SocketState::give_up() noexcept {
  const int old = std::exchange(fd, -1);
  if (old >= 0) {
    reads_.end();
    if (writes_ != nullptr)
      writes_->end();
  }
  return old;
}

void SocketState::close() noexcept {
  const int old = give_up();
  if (old < 0)
    return;
  if (path != nullptr && path->process == getpid()) {
    struct stat now {};
    if (lstat(path->name.c_str(), &now) == 0 && now.st_dev == path->device &&
        now.st_ino == path->inode) {
      ::unlink(path->name.c_str());
    }
  }
  ::close(old);
  grove::detail::tell_of_closing();
}

NewDescriptor::~NewDescriptor() {
  if (fd_ >= 0)
    ::close(fd_);
}

// -- names and errors ----------------------------------------------------------------------------

namespace {

template <class Ask>
Address asked(Ask ask, int fd) {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  auto* address = reinterpret_cast<sockaddr*>(&storage);
  if (ask(fd, address, &size) != 0)
    return {};
  try {
    return Address::from(address, size);
  } catch (const std::invalid_argument&) { // of a family that is none of ours
    return {};
  }
}

} // namespace

void SocketState::set_peer(const Address& address) {
  if (address.is_ip())
    std::memcpy(&peer, address.data(), address.size());
}

Address SocketState::peer_address() const {
  if (peer.any.sa_family != AF_UNSPEC)
    return Address::from(&peer.any, sizeof peer);
  return asked(getpeername, fd);
}

std::string SocketState::name() const {
  std::string kind = family == AF_UNIX ? "unix" : type == SOCK_STREAM ? "tcp" : "udp";
  if (fd < 0)
    return kind + " (closed)";
  const Address local = asked(getsockname, fd);
  const Address other = listening ? Address() : peer_address();
  std::string text;
  if (family == AF_UNIX)
    text = local.family() == AF_UNSPEC ? kind : local.to_string();
  else
    text = kind + " " + local.to_string();
  if (listening)
    text += " listening";
  else if (other.family() != AF_UNSPEC)
    text += " to " + other.to_string();
  return text;
}

void SocketState::fail(int error, const char* what) const {
  throw std::system_error(error, std::system_category(), std::string(what) + " on " + name());
}

void SocketState::fail_late(const char* what) const {
  throw TimeoutError(std::string(what) + " on " + name() + ": the deadline came first");
}

void throw_closed(const char* what) { throw Closed(std::string(what) + ": the socket was closed"); }

// -- making --------------------------------------------------------------------------------------

SocketRef own(NewDescriptor& fd, int family, int type) {
  SocketRef state(new SocketState(fd.get(), family, type));
  fd.give();
  return state;
}

SocketRef adopt(int fd) {
  const auto ask = [fd](int option) {
    int value = 0;
    socklen_t size = sizeof value;
    if (getsockopt(fd, SOL_SOCKET, option, &value, &size) != 0) {
      throw std::system_error(errno, std::system_category(),
                              "take over descriptor " + std::to_string(fd) + " as a socket");
    }
    return value;
  };
  const int family = ask(SO_DOMAIN);
  const int type = ask(SO_TYPE);
  const bool listens = ask(SO_ACCEPTCONN) != 0;
  const int flags = fcntl(fd, F_GETFL);
  if ((flags & O_NONBLOCK) == 0)
    fcntl(fd, F_SETFL, flags | O_NONBLOCK);
  const int own_flags = fcntl(fd, F_GETFD);
  if ((own_flags & FD_CLOEXEC) == 0)
    fcntl(fd, F_SETFD, own_flags | FD_CLOEXEC);
  SocketRef state(new SocketState(fd, family, type));
  state->listening = listens;
  return state;
}

SocketRef open_socket(int family, int type, const char* what, const Address& address) {
  NewDescriptor fd(::socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (fd.get() < 0) {
    throw std::system_error(errno, std::system_category(),
                            std::string(what) + " " + address.to_string());
  }
  return own(fd, family, type);
}

// -- references ----------------------------------------------------------------------------------

SocketRef::SocketRef(SocketState* state) noexcept : state_(state) {}
SocketRef::SocketRef(const SocketRef& other) noexcept : state_(other.state_) {
  if (state_ != nullptr)
    ++state_->references;
}
SocketRef::~SocketRef() {
  if (state_ != nullptr && --state_->references == 0)
    delete state_;
}

} // namespace grove::net::detail
