// SPDX-License-Identifier: MIT
// Signals of the process, handled in greenlets.
#pragma once

#include <concepts>
#include <functional>
#include <memory>
#include <stdexcept>
#include <utility>

#include <grove/hub/hub.hpp>

namespace grove {

struct SignalOptions {
  // Its coming counts as something that can still happen: who waits for nothing but what this
  // signal brings is then in no Deadlock. By default a signal that may come saves nobody.
  bool awaited = false;
};

template <class F>
concept SignalFunction = std::invocable<F&> || std::invocable<F&, int>;

class SignalWatch;
template <SignalFunction F>
[[nodiscard]] SignalWatch on_signal(int signal, F f, SignalOptions options = {});

// SignalWatch is what on_signal() gives: while it lives, and the hub, its function is called. Made
// on a hub; moved, cancelled and destroyed on any thread. Several may watch one signal, on one hub
// or on many: each is called.
class SignalWatch {
public:
  SignalWatch() = default; // watches nothing
  SignalWatch(SignalWatch&& other) noexcept = default;
  SignalWatch& operator=(SignalWatch&& other) noexcept {
    cancel();
    entry_ = std::move(other.entry_);
    return *this;
  }
  ~SignalWatch() { cancel(); }

  // From now on its function is not begun; one that is under way goes on. When the last watch of a
  // signal goes, the signal does what it did before the first (unless somebody else has installed a
  // handler since: that one stays). A second time: nothing.
  void cancel() noexcept;
  bool active() const { return entry_ != nullptr; }
  int signal() const; // 0 if it watches nothing

private:
  template <SignalFunction F>
  friend SignalWatch on_signal(int signal, F f, SignalOptions options);
  SignalWatch(int signal, std::function<void(int)> f, SignalOptions options);
  struct Entry;
  std::shared_ptr<Entry> entry_;
};

// From now on f() (or f(signal)) runs in a greenlet of this hub, called "SIGQUIT" or the like, each
// time that the signal comes: never in the handler, so that it may do whatever a greenlet may.
// Arrivals between two polls of the hub count as one. What f throws goes to the hub's error hook.
// No wait is interrupted: only grove::Main throws into main, and a SIGINT or SIGTERM that is
// watched here is no longer Main's. The process keeps one handler for all that is watched; for
// SIGCHLD it also calls the one that was there before. std::invalid_argument if the signal cannot
// be handled (SIGKILL), stands for a fault (SIGSEGV), or f is an empty std::function.
template <SignalFunction F>
SignalWatch on_signal(int signal, F f, SignalOptions options) {
  if constexpr (requires { bool(f == nullptr); }) {
    if (f == nullptr)
      throw std::invalid_argument("grove: on_signal: an empty function");
  }
  if constexpr (std::invocable<F&, int>) {
    return SignalWatch(signal, std::move(f), options);
  } else {
    return SignalWatch(
        signal, [f = std::move(f)](int) mutable { f(); }, options);
  }
}

} // namespace grove
