// SPDX-License-Identifier: MIT
// Greenlets: spawn, handles, subclasses, sleep and yield.
#pragma once

#include <concepts>
#include <cstddef>
#include <exception>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include <grove/hub/deadline.hpp>
#include <grove/hub/detail/greenlet_state.hpp>
#include <grove/hub/detail/inline_switch.hpp>
#include <grove/hub/detail/wait.hpp>
#include <grove/hub/exceptions.hpp>

namespace grove {

class Hub;
class SpawnHook;

// How a greenlet is made.
struct SpawnOptions {
  std::string name{};         // shown in reports; empty: "greenlet-<id>"
  std::size_t stack_size = 0; // usable bytes; 0: the default, 128 KiB of address space
  Hub* hub = nullptr;         // where it runs; null: here
  // Bound to who spawns it: his current_deadline() is a Timeout scope around its function, and it
  // is killed when he has ended. On this hub only.
  bool inherit = false;
};

// Names what a link returned, for unlink().
enum class LinkId : std::uint64_t {};

template <class T = void>
class GreenletRef;

// GreenletRef<> is a handle to a greenlet, whatever its result. Handles are counted; dropping the
// last one neither stops nor waits: the greenlet runs on and its result is freed at its end. All
// members are for the greenlet's own hub. The members that wait are suspension points: a kill or an
// expired Timeout scope of the *calling* greenlet is thrown out of them, and leaves the other
// greenlet as it was.
template <>
class GreenletRef<void> {
public:
  GreenletRef() = default;
  GreenletRef(const GreenletRef& other) noexcept : self_(other.self_) {
    if (self_ != nullptr)
      detail::add_reference(self_);
  }
  GreenletRef(GreenletRef&& other) noexcept : self_(std::exchange(other.self_, nullptr)) {}
  GreenletRef& operator=(GreenletRef other) noexcept {
    std::swap(self_, other.self_);
    return *this;
  }
  ~GreenletRef() {
    if (self_ != nullptr)
      detail::drop_reference(self_);
  }
  // Takes over one reference.
  static GreenletRef adopt(detail::Identity* self) { return GreenletRef(self); }

  explicit operator bool() const { return self_ != nullptr; }
  friend bool operator==(const GreenletRef& a, const GreenletRef& b) { return a.self_ == b.self_; }
  detail::Identity* identity() const { return self_; }

  // -- starting ------------------------------------------------------------------------------
  // Puts a fresh greenlet at the tail of the run queue. False, and nothing happens, if it was
  // started, killed or has ended before.
  bool start();
  // The same after a while. Killing it before that is allowed.
  bool start_later(Deadline when);

  // -- state ---------------------------------------------------------------------------------
  bool started() const;    // start() was called, and it has not ended
  bool ready() const;      // it has ended, in whatever way
  bool successful() const; // it returned
  bool killed() const;     // it was ended by GreenletExit
  // What left it, except GreenletExit; null if nothing did.
  std::exception_ptr exception() const;
  std::string name() const;
  void set_name(std::string name);
  // Small, unique among the living greenlets of its hub, used again.
  std::uint32_t id() const;
  // The greenlet that made it; empty if that has ended, or if it was main or an actor.
  GreenletRef parent() const;

  // -- waiting -------------------------------------------------------------------------------
  // Waits for the end. False if the deadline came first. std::logic_error when asked to wait for
  // the calling greenlet itself.
  bool join(Deadline deadline = {}) const;
  // join(), then throws what the greenlet threw, or Killed. TimeoutError if the deadline came
  // first.
  void get(Deadline deadline = {}) const;

  // -- ending --------------------------------------------------------------------------------
  // Throws GreenletExit (or `error`) in the greenlet at its suspension point, once, and waits for
  // its end. One that has not begun never runs. False if the deadline came first. Killing oneself
  // throws at once; killing what has ended does nothing.
  bool kill(Deadline deadline = {}) const;
  bool kill(std::exception_ptr error, Deadline deadline = {}) const;
  // The same without waiting for the end.
  void kill_nowait(std::exception_ptr error = {}) const;

  // -- links ---------------------------------------------------------------------------------
  // Calls f with this greenlet once it has ended (soon, if it has already), in a greenlet of its
  // own, in the order of linking; what one of them throws is reported and stops no other.
  using Link = std::function<void(const GreenletRef&)>;
  LinkId link(Link f) const;
  LinkId link_value(Link f) const;     // only if it returned
  LinkId link_exception(Link f) const; // only if it did not
  // Nothing happens if that link has run or never was.
  void unlink(LinkId id) const;
  std::size_t links() const;

protected:
  explicit GreenletRef(detail::Identity* self) : self_(self) {}
  detail::Identity* self_ = nullptr;
};

// GreenletRef<T> is a handle to a greenlet that returns a T.
template <class T>
class GreenletRef : public GreenletRef<void> {
public:
  GreenletRef() = default;
  static GreenletRef adopt(detail::Identity* self) { return GreenletRef(self); }

  // Waits for the end; the result, or what the greenlet threw, or Killed, or TimeoutError. The
  // reference is good while a handle lives; get() of a temporary handle moves or copies the value.
  const T& get(Deadline deadline = {}) const& {
    GreenletRef<void>::get(deadline);
    return result()->value;
  }
  T get(Deadline deadline = {}) && {
    GreenletRef<void>::get(deadline);
    if constexpr (std::copy_constructible<T>) {
      if (detail::state_of(self_)->references > 1)
        return result()->value;
    }
    return std::move(result()->value);
  }
  // The result if there is one; never waits.
  const T* value() const { return successful() ? &result()->value : nullptr; }

private:
  explicit GreenletRef(detail::Identity* self) : GreenletRef<void>(self) {}
  detail::ResultOf<T>* result() const { return detail::body<detail::ResultOf<T>>(self_); }
};

namespace detail {
template <class Result, class F, class... Args>
GreenletRef<Result> make_greenlet_on(HubState& hub, F&& f, Args&&... args) {
  if constexpr (sizeof...(Args) == 0) {
    return GreenletRef<Result>::adopt(make_task<Result, std::decay_t<F>>(hub, std::forward<F>(f)));
  } else {
    using Call = Bound<std::decay_t<F>, std::decay_t<Args>...>;
    return GreenletRef<Result>::adopt(
        make_task<Result, Call>(hub, std::forward<F>(f), std::forward<Args>(args)...));
  }
}
void set_options(Identity* self, const SpawnOptions& options);
bool elsewhere(const SpawnOptions& options);
void end_with_parent(Identity* self); // who is running is the parent
} // namespace detail

template <class F, class... Args>
concept SpawnCallable = std::invocable<std::decay_t<F>, std::decay_t<Args>...>;
template <class F, class... Args>
using SpawnResult = std::decay_t<std::invoke_result_t<std::decay_t<F>, std::decay_t<Args>...>>;

// Makes a greenlet that calls f(args...), both copied or moved like std::thread does, and does not
// start it.
template <class F, class... Args>
requires SpawnCallable<F, Args...> GreenletRef<SpawnResult<F, Args...>>
make_greenlet(F&& f, Args&&... args) {
  return detail::make_greenlet_on<SpawnResult<F, Args...>>(detail::here(), std::forward<F>(f),
                                                           std::forward<Args>(args)...);
}

// Makes a greenlet and starts it: it runs when the current one waits.
template <class F, class... Args>
requires SpawnCallable<F, Args...> GreenletRef<SpawnResult<F, Args...>> spawn(F&& f,
                                                                              Args&&... args) {
  detail::HubState& hub = detail::here();
  auto ref = detail::make_greenlet_on<SpawnResult<F, Args...>>(hub, std::forward<F>(f),
                                                               std::forward<Args>(args)...);
  detail::start_here(hub, ref.identity());
  return ref;
}

template <class F, class... Args>
requires SpawnCallable<F, Args...> GreenletRef<SpawnResult<F, Args...>>
spawn(const SpawnOptions& options, F&& f, Args&&... args);

// spawn(), begun after a while (or at a point in time).
template <class F, class... Args>
requires SpawnCallable<F, Args...> GreenletRef<SpawnResult<F, Args...>>
spawn_later(Deadline when, F&& f, Args&&... args) {
  auto ref = make_greenlet(std::forward<F>(f), std::forward<Args>(args)...);
  ref.start_later(when);
  return ref;
}

// Greenlet is the base of classes that are a greenlet: override run(), then start(). The object
// must outlive its run: destroying it while run() is suspended is a bug and ends the process with a
// message (as std::thread does); a fresh one is simply dropped. As a GreenletRef<> it can be
// joined, killed and linked.
class Greenlet : public GreenletRef<void> {
public:
  Greenlet(const Greenlet&) = delete;
  Greenlet& operator=(const Greenlet&) = delete;

protected:
  explicit Greenlet(const SpawnOptions& options = {});
  virtual ~Greenlet();
  virtual void run() = 0;
};

// While a SpawnHook lives, f is called with every greenlet of this hub that is started, by whom it
// is started: once, when spawn(), spawn_later(), start() or start_later() is called. What it throws
// comes out of that call, and the greenlet is not started. Made and destroyed on its hub.
class SpawnHook {
public:
  using Function = std::function<void(const GreenletRef<>&)>;
  explicit SpawnHook(Function f);
  SpawnHook(const SpawnHook&) = delete;
  SpawnHook& operator=(const SpawnHook&) = delete;
  ~SpawnHook();

private:
  friend void detail::announce_start(detail::Identity* self);
  Function call_;
};

// The greenlet (or actor) that is running, in a form for messages: its name.
std::string current_name();
// A handle to the running greenlet; empty in main and in actors' handlers.
GreenletRef<> current_greenlet();

// Lets everybody else who is runnable go first. A suspension point even if nobody is: a kill or an
// expired Timeout scope is thrown here, before the others go or after.
[[gnu::always_inline]] inline void yield() {
  if (detail::yield_to_suspended()) [[likely]]
    detail::check_interrupts();
  else
    detail::yield_now();
}
// Waits at least that long. sleep(0s) is yield(). A kill or an expired Timeout scope ends it early,
// by what it throws.
void sleep(Deadline until);

} // namespace grove

#include <grove/hub/detail/remote_call.hpp>
