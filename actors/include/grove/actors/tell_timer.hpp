// SPDX-License-Identifier: MIT
// TellTimer: the handle of a message that comes later, or again and again.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include <grove/actors/detail/ask.hpp>
#include <grove/hub/detail/timer.hpp>
#include <grove/hub/detail/wait.hpp>

namespace grove {

namespace detail {

// One timer of tell_after() or tell_every(). Its ticks in the inbox hold it too.
struct TimedTell : Timer, std::enable_shared_from_this<TimedTell> {
  TimedTell() = default;
  TimedTell(const TimedTell&) = delete;
  TimedTell& operator=(const TimedTell&) = delete;
  virtual ~TimedTell();
  virtual Mail* make_message(HubState& hub) = 0; // on the target's hub, when its turn has come
  [[nodiscard]] virtual LostMessage lost() const = 0;

  HomeCheck home;
  Identity* slot = nullptr;
  std::uint32_t generation = 0;
  std::uint64_t trace = 0;
  std::int64_t period = 0; // nanoseconds; 0: once
  std::atomic<bool> cancelled{false};
  std::atomic<bool> under_way{false}; // in the inbox: the next one is left out
  std::atomic<bool> orphaned{false};  // the target has ended
  TimedTell* next = nullptr;          // among those of its target, if that is of this hub
  TimedTell** at = nullptr;
  std::shared_ptr<TimedTell> self; // it was released

  void start(IdentityRef target, std::int64_t due);
  void end() noexcept; // it ticks no more
};

template <class M>
struct TimedTellOf final : TimedTell {
  Handler handler;
  M message;
  template <class Arg>
  TimedTellOf(Handler h, Arg&& m) : handler(h), message(std::forward<Arg>(m)) {}
  Mail* make_message(HubState& hub) override {
    if constexpr (std::copy_constructible<M>) {
      if (period != 0)
        return make_mail<M>(hub, handler, std::as_const(message));
    }
    return make_mail<M>(hub, handler, std::move(message));
  }
  LostMessage lost() const override { return lost_message<M>(message); }
};

std::int64_t checked_period(std::chrono::nanoseconds period);

} // namespace detail

// TellTimer is the handle of a tell_after() or tell_every(): when it goes, or cancel() is called,
// the timer ends, and a tick that stands in the inbox already is not seen (on another hub: unless
// it is being handled at that moment). It ends by itself with the actor it is for. Moved, not
// copied; used on the hub that made it.
class [[nodiscard]] TellTimer {
public:
  TellTimer() = default; // of nothing
  explicit TellTimer(std::shared_ptr<detail::TimedTell> timer) : timer_(std::move(timer)) {}
  TellTimer(TellTimer&& other) noexcept = default;
  TellTimer& operator=(TellTimer&& other) noexcept {
    cancel();
    timer_ = std::move(other.timer_);
    return *this;
  }
  ~TellTimer() { cancel(); }

  // How long it would have been until the next tick; nothing if there was none to come.
  std::optional<std::chrono::nanoseconds> cancel() noexcept;
  // Another tick is to come.
  bool active() const { return timer_ != nullptr && timer_->armed(); }
  // Lets it go on without a handle.
  void release() noexcept;

private:
  std::shared_ptr<detail::TimedTell> timer_;
};

} // namespace grove
