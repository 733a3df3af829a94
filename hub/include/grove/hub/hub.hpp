// SPDX-License-Identifier: MIT
// Hub: one thread's scheduler and event loop.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <iosfwd>
#include <new>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include <grove/hub/detail/hub_life.hpp>
#include <grove/hub/detail/hub_state.hpp>

namespace grove {

namespace detail {
class HubImpl;

// A closure under way to another hub. Either a greenlet runs it there, or, if it neither waits nor
// throws, the poll itself does. Kept small: each cache line of it travels to the other processor.
struct PostedCall;
struct PostedOps {
  void (*run)(PostedCall*);              // runs the closure; leaves the node alone
  void (*dispose)(PostedCall*) noexcept; // frees the node
  bool in_poll;
};
struct PostedCall : Mail {
  const PostedOps* ops;
  explicit PostedCall(const PostedOps& o) : Mail{}, ops(&o) {}
};
// Takes the node over. False if the hub has shut down: the node is disposed of.
bool post_or_drop(Hub& hub, PostedCall* call);
// Memory for these nodes: small ones go back to the thread that made them.
void* take_call(std::size_t bytes);
void give_call(void* call, std::size_t bytes) noexcept;

template <bool InPoll, class F>
PostedCall* make_posted_call(F&& f) {
  using Function = std::decay_t<F>;
  struct Call : PostedCall {
    Function function;
    Call(F&& g, const PostedOps& o) : PostedCall(o), function(std::forward<F>(g)) {}
    static void* operator new(std::size_t bytes) {
      if constexpr (alignof(Call) <= alignof(std::max_align_t))
        return take_call(bytes);
      else
        return ::operator new(bytes, std::align_val_t(alignof(Call)));
    }
    static void operator delete(void* call, std::size_t bytes) noexcept {
      if constexpr (alignof(Call) <= alignof(std::max_align_t))
        give_call(call, bytes);
      else
        ::operator delete(call, std::align_val_t(alignof(Call)));
    }
  };
  static constexpr PostedOps posted_ops{
      [](PostedCall* c) { std::move(static_cast<Call*>(c)->function)(); },
      [](PostedCall* c) noexcept { delete static_cast<Call*>(c); }, InPoll};
  return new Call(std::forward<F>(f), posted_ops);
}
// For closures that only make greenlets runnable.
template <class F>
bool post_inline(Hub& hub, F&& f) {
  return post_or_drop(hub, make_posted_call<true>(std::forward<F>(f)));
}
} // namespace detail

// What an exception that nobody asked for came out of.
struct UnhandledError {
  std::string_view where; // the greenlet's or actor's name
  std::exception_ptr error;
  std::string what; // its type and text
};

// A Hub runs the greenlets and actors of one thread. The main thread gets its hub at first use;
// further ones are made with HubThread. Unless a member says otherwise it is for the hub's own
// thread. A hub's memory is never unmapped while the process lives, so that a stale ActorRef finds
// out that it is stale.
class Hub {
public:
  Hub(const Hub&) = delete;
  Hub& operator=(const Hub&) = delete;

  // The hub of the calling thread; std::logic_error on a thread that has none.
  static Hub& current();

  // Runs f in a new greenlet of this hub. Any thread; never waits; order is kept per sender. What f
  // throws goes to the error hook. False, and f is dropped, if the hub has shut down.
  template <std::invocable F>
  bool post(F&& f);

  // Called once for each exception that left a greenlet (kills excepted) or an actor's handler.
  // It runs in the failing greenlet and must not throw. Default: one line on stderr.
  using ErrorHook = std::function<void(const UnhandledError&)>;
  void on_error(ErrorHook hook);

  // For how long this hub, on whose thread it is called, looks out for news before it sleeps: 20 us
  // by default, at most 1 s; zero: never. It does so where its sleeps were short lately, and only
  // while that brings messages or ready descriptors: one that is idle uses no processor.
  // std::invalid_argument for a negative time.
  void look_out_for(std::chrono::nanoseconds time);

  // What grove::dump() prints: see dump.hpp.
  void dump(std::ostream& out) const;

  // Counted since the hub began, at no cost where it is counted; to read them takes a look at every
  // greenlet and every stack.
  struct Stats {
    std::uint64_t dispatches = 0;       // decisions who runs next: waits, yields, ends
    std::uint64_t spawned = 0;          // greenlets and actors ever made
    std::uint64_t stacks = 0;           // stacks ever made
    std::uint64_t stacks_cached = 0;    // idle now, ready to be used again
    std::uint64_t stack_peak = 0;       // bytes: the most that any of the stacks has touched
    std::uint64_t polls = 0;            // looks outside while there was work
    std::uint64_t sleeps = 0;           // waits for the outside, as there was none
    std::uint64_t wake_ups = 0;         // of these, ended by another thread
    std::uint64_t lookouts = 0;         // for news, before a sleep or in place of it
    std::uint64_t errors = 0;           // exceptions that nobody caught
    std::uint64_t declined_kills = 0;   // kills that their target caught and survived
    std::uint64_t dead_letters = 0;     // messages to actors that were gone
    std::uint64_t late_replies = 0;     // to askers that did not wait any more
    std::uint64_t expired_requests = 0; // asked too long ago when their turn came: not handled
    std::uint64_t dropped_messages = 0; // by bounded inboxes that were full
    std::uint64_t living = 0;           // greenlets and actors that have not ended
  };
  Stats stats() const;

  // Small, unique among the living hubs of the process. Any thread.
  std::uint16_t index() const;

  // While an Attachment lives, some foreign thread may still wake this hub's greenlets: their wait
  // is no Deadlock. Made on the hub's thread, destroyed on any.
  class Attachment {
  public:
    Attachment(Attachment&& other) noexcept
        : home_(other.home_), held_(std::exchange(other.held_, false)) {}
    Attachment& operator=(Attachment&&) = delete;
    ~Attachment();

  private:
    friend class Hub;
    Attachment() = default;
    detail::HubLife home_;
    bool held_ = true;
  };
  [[nodiscard]] Attachment attach();

private:
  friend class detail::HubImpl;
  Hub() = default;
  ~Hub() = default;
};

template <std::invocable F>
bool Hub::post(F&& f) {
  return detail::post_or_drop(*this, detail::make_posted_call<false>(std::forward<F>(f)));
}

} // namespace grove
