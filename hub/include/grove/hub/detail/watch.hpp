// SPDX-License-Identifier: MIT
// Watch: one descriptor under the hub's event loop, with a callback. Private to grove's libraries.
#pragma once

namespace grove::detail {

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
// of.
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
  void* owner = nullptr; // for the callback, which is expected to look at it: it is fetched before
  // Set before start(): whether it can save from a Deadlock. Of one that stays active while nobody
  // waits, whoever does wait is counted in HubState::awaiting.
  bool counted = true;

private:
  friend class Poller;
  bool active_ = false;
  bool seen_ = false; // it was active before: the kernel may know the descriptor yet
  unsigned char interest_;
  int fd_;
  Callback callback_;
  Watch* next_ = nullptr; // of the active ones of the same descriptor
};

} // namespace grove::detail
