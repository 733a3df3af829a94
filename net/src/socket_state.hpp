// SPDX-License-Identifier: MIT
// What a socket and its calls under way share: the descriptor, and who waits for it.
#pragma once

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include <grove/hub/deadline.hpp>
#include <grove/hub/detail/wait.hpp>
#include <grove/hub/detail/watch.hpp>
#include <grove/net/address.hpp>
#include <grove/net/socket.hpp>

namespace grove::net::detail {

// How much a thread's greenlets may still transfer before one that was never made to wait lets the
// others, and the poll, have a turn. Whoever waits sets it anew: it measures one run of one
// greenlet.
class Budget {
public:
  void spend(std::size_t bytes) { left_ -= per_call + static_cast<std::int64_t>(bytes); }
  [[nodiscard]] bool is_spent() const { return left_ <= 0; }
  void renew() { left_ = whole; }
  void give_way(); // a suspension point; to be called before a transfer, as it may throw

private:
  static constexpr std::int64_t whole = 256 * 1024;    // bytes in a row
  static constexpr std::int64_t per_call = whole / 64; // or calls
  std::int64_t left_ = whole;
  std::uint64_t since_ = 0; // of look_at_turn()
};
extern constinit thread_local Budget budget;

// One direction of a socket. The watch stays active after a wake-up, and is stopped when an event
// finds nobody who waits. Its owner is the greenlet that transfers, if one does.
struct Side : grove::detail::Watch {
  grove::detail::WaitList line; // operations, which only look
  std::uint32_t waiting = 0;    // all of them, until they run
  bool granted = false;         // to the one that transfers
  bool broken = false;

  Side(int fd, unsigned interest);
  void begin_wait();
  void end_wait();
  void on_event() noexcept;
  void end(); // wakes all: the descriptor is about to go
  // In the child of a fork(), or after the hub's end: those in the line never run again. True if
  // there were any.
  bool forget_the_dead();

private:
  [[nodiscard]] grove::detail::Identity* transfers() const {
    return static_cast<grove::detail::Identity*>(owner);
  }
};

enum class Way : std::uint8_t { in, out };

struct Path { // of a Unix socket, to be removed
  std::string name;
  std::uint64_t device, inode;
  int process; // in whose child it stays
};

// In the order of use: what each wait to read touches is two lines of the cache, side by side.
struct alignas(64) SocketState {
private:
  Side reads_;

public:
  int fd;
  std::uint32_t references = 1;
  // The last transfer took (filled) all there was: the next one waits before it tries. The poll is
  // level-triggered and tells of what came in between.
  bool drained[2] = {false, false};
  bool taken[2] = {false, false}; // a greenlet transfers, and waits
  bool at_end = false;            // shutdown_read(): what comes later is not looked at
  bool listening = false;
  const std::int16_t family;
  const std::int16_t type; // SOCK_STREAM, ...
  grove::detail::HomeCheck home;

private:
  std::unique_ptr<Side> writes_; // made at the first wait: most never do

public:
  std::unique_ptr<Path> path;
  union { // of an IP socket, when known: after a reset the kernel does not tell it any more
    sockaddr any;
    sockaddr_in ipv4;
    sockaddr_in6 ipv6;
  } peer{};

  SocketState(int descriptor, int its_family, int its_type)
      : reads_(descriptor, grove::detail::readable), fd(descriptor),
        family(static_cast<std::int16_t>(its_family)), type(static_cast<std::int16_t>(its_type)) {}
  SocketState(const SocketState&) = delete;
  SocketState& operator=(const SocketState&) = delete;
  ~SocketState() { close(); }

  void close() noexcept;
  int give_up() noexcept; // the same, but the descriptor stays open; -1 if it was closed
  void set_peer(const Address& address);
  [[nodiscard]] Address peer_address() const;
  [[nodiscard]] std::string name() const;

  // -- waiting ----------------------------------------------------------------------------------
  // Until there is an event. False if the deadline came first. Closed, and then the state may be
  // gone.
  bool wait(Way way, const char* what, Deadline deadline);
  // What each call does first. Whoever is served without a wait gives way now and then.
  void begin(Way way, const char* what) {
    grove::detail::check_interrupts();
    check_free(way, what);
    if (budget.is_spent()) [[unlikely]]
      give_way(way, what);
  }
  // std::logic_error if another greenlet transfers that way.
  void check_free(Way way, const char* what) {
    if (taken[static_cast<std::size_t>(way)]) [[unlikely]]
      check_taken(way, what);
  }

  // Calls `attempt(fd)`, a system call that never blocks, until it does not say EAGAIN; what it
  // returned. TimeoutError, Closed, and std::system_error for whatever else it says.
  template <class Attempt>
  std::size_t transfer(Way way, const char* what, Deadline deadline, Attempt attempt) {
    begin(way, what);
    bool& wait_first = drained[static_cast<std::size_t>(way)];
    for (bool late = false;;) {
      if (!wait_first) {
        ssize_t n;
        do
          n = attempt(fd);
        while (n < 0 && errno == EINTR);
        if (n >= 0) [[likely]] {
          budget.spend(static_cast<std::size_t>(n));
          return static_cast<std::size_t>(n);
        }
        if (errno != EAGAIN && errno != EWOULDBLOCK)
          fail(errno, what);
        if (late)
          fail_late(what);
      }
      wait_first = false;
      late = !wait(way, what, deadline); // even then it is tried once
    }
  }
  // The same without a wait: -1 if there would be one.
  template <class Attempt>
  ssize_t try_transfer(Way way, const char* what, Attempt attempt) {
    check_free(way, what);
    ssize_t n;
    do
      n = attempt(fd);
    while (n < 0 && errno == EINTR);
    if (n >= 0)
      budget.spend(static_cast<std::size_t>(n));
    else if (errno != EAGAIN && errno != EWOULDBLOCK)
      fail(errno, what);
    return n;
  }

  // Whether the next call that way would not wait.
  [[nodiscard]] bool is_ready(Way way) const;
  bool wait_ready(Way way, const char* what, Deadline deadline);

  [[nodiscard]] Side& side(Way way) { return way == Way::in ? reads_ : side_to_write(); }

  // "recv on tcp 127.0.0.1:4711 to 127.0.0.1:80: Connection reset by peer".
  [[noreturn]] void fail(int error, const char* what) const;
  [[noreturn]] void fail_late(const char* what) const;

private:
  struct Taking;
  void give_way(Way way, const char* what);
  void check_taken(Way way, const char* what);
  [[nodiscard]] Side& side_to_write();
};
static_assert(sizeof(SocketState) == 128);

[[noreturn]] void throw_closed(const char* what);

// A new descriptor until something owns it.
class NewDescriptor {
public:
  explicit NewDescriptor(int fd) : fd_(fd) {}
  NewDescriptor(const NewDescriptor&) = delete;
  NewDescriptor& operator=(const NewDescriptor&) = delete;
  ~NewDescriptor();
  [[nodiscard]] int get() const { return fd_; }
  int give() {
    const int fd = fd_;
    fd_ = -1;
    return fd;
  }

private:
  int fd_;
};

// A state that owns it. The descriptor is non-blocking and close-on-exec already.
SocketRef own(NewDescriptor& fd, int family, int type);
// One from elsewhere. If it throws, the descriptor is still the caller's.
SocketRef adopt(int fd);
// A new socket: std::system_error "WHAT ADDRESS: Too many open files".
SocketRef open_socket(int family, int type, const char* what, const Address& address);

} // namespace grove::net::detail
