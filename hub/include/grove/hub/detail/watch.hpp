// SPDX-License-Identifier: MIT
// Watch: one descriptor under the hub's event loop, with a callback. Private to grove's libraries.
#pragma once

#include <cstddef>
#include <cstdint>

namespace grove::detail {

class HubImpl;

inline constexpr unsigned readable = 1;
inline constexpr unsigned writable = 2;

// Calls `callback` from the hub's poll whenever `fd` is ready (level-triggered). The callback may
// only make greenlets runnable and stop or start watches: it must neither wait nor throw. An active
// watch counts as something that can wake the hub's greenlets (see Deadlock). Hub-local; the
// descriptor must outlive start()..stop().
//
// Who is woken by a callback and leaves the descriptor ready until it runs is counted in
// HubState::unserved meanwhile. As long as there is one a busy hub does not look at descriptors: it
// would be told of the same ones again, and of thousands that costs more than to serve them. Who is
// ready by then stands behind them anyway. Callbacks are called in the order that the kernel tells
// of: libev's would be the reverse, and of thousands the last be served last twice in a row.
class Watch {
public:
  using Callback = void (*)(Watch& watch, unsigned ready) noexcept;

  Watch(int fd, unsigned interest, Callback callback);
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;
  ~Watch(); // stops

  void start();
  void stop();
  bool active() const { return active_; }
  int fd() const { return fd_; }
  void* owner = nullptr; // for the callback
  // Set before start(): whether it can save from a Deadlock. Of one that stays active while nobody
  // waits, whoever does wait is counted in HubState::awaiting.
  bool counted = true;

private:
  friend class HubImpl;
  struct Access;
  alignas(8) std::byte io_[64]{}; // libev's ev_io
  Callback callback_;
  int fd_;
  bool active_ = false;
  unsigned char ready_ = 0; // in which directions: it is in the hub's list of those to be called
  Watch** at_ = nullptr;    // what points here in the hub's list of active ones
  Watch* next_ = nullptr;
  Watch** ready_at_ = nullptr;
  Watch* ready_next_ = nullptr;
};

} // namespace grove::detail
