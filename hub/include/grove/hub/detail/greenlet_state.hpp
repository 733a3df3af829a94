// SPDX-License-Identifier: MIT
// What a greenlet is beside its identity: how it ended, its result, its function.
#pragma once

#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <new>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>

#include <grove/hub/deadline.hpp>
#include <grove/hub/detail/hub_state.hpp>

namespace grove {
struct SpawnOptions;
}

namespace grove::detail {

enum class End : std::uint8_t { none, value, error, killed };

// How a greenlet ended, behind its Identity in the slot. Counted by its handles, plus one from
// start to end. Hub-local: the count is not atomic.
struct GreenletState {
  std::uint32_t references = 1;
  std::uint32_t parent_generation = 0;
  Identity* parent = nullptr; // who spawned it
  std::exception_ptr error;   // set when end is error
  WaitNode joiners;           // who waits for its end,
  Identity* joiner = nullptr; // and who did so first, alone and without a time limit
  std::uint32_t ended_at = 0; // which of the hub's ends, modulo 2^32
  End end = End::none;
};

// What stands behind the identity in its slot.
template <class T>
T* body(Identity* identity) {
  return std::launder(reinterpret_cast<T*>(identity + 1));
}
inline GreenletState* state_of(Identity* identity) { return body<GreenletState>(identity); }

// Slots come in multiples of 16 bytes up to 256, then in powers of two up to 64 KiB.
constexpr std::uint32_t size_class_of(std::size_t bytes) {
  if (bytes <= 256)
    return static_cast<std::uint32_t>((bytes + 15) / 16);
  std::uint32_t c = 17;
  for (std::size_t size = 512; size < bytes; size *= 2)
    ++c;
  return c;
}
constexpr std::size_t size_of_class(std::uint32_t size_class) {
  return size_class <= 16 ? std::size_t{size_class} * 16 : std::size_t{512} << (size_class - 17);
}
inline constexpr std::size_t largest_slot = 64 * 1024;
static_assert(size_class_of(largest_slot) < identity_classes);

// A free slot of that class, its Identity alive, everything else raw.
Identity* more_identities(HubState& hub, std::uint32_t size_class);
inline Identity* take_identity(HubState& hub, const Ops* ops) {
  Identity* slot = hub.free_identities[ops->size_class];
  if (slot == nullptr) [[unlikely]]
    slot = more_identities(hub, ops->size_class);
  else
    hub.free_identities[ops->size_class] = slot->next;
  slot->ops = ops;
  slot->flags = flag::live;
  return slot;
}
// Gives the slot back; every reference is stale from here on.
inline void give_identity(HubState& hub, Identity* slot) {
  ++slot->generation;
  slot->flags = 0;
  slot->next = hub.free_identities[slot->ops->size_class];
  hub.free_identities[slot->ops->size_class] = slot;
}

template <class T>
struct ResultOf : GreenletState {
  union {
    T value;
  };
  ResultOf() {} // NOLINT: the value comes later
  ~ResultOf() {
    if (end == End::value)
      value.~T();
  }
};
template <>
struct ResultOf<void> : GreenletState {};

// Ends a greenlet with the exception in flight (call it in a catch block).
void end_with_exception(Identity* self) noexcept;
// Marks it finished, wakes who joins, starts its links, drops the running reference.
void finish_greenlet(Identity* self) noexcept;
// Ends a greenlet that has not begun: it never will.
void kill_greenlet(Identity* self) noexcept;
void drop_last_reference(Identity* self) noexcept;
// It has ended, and not with a value: throws what a get() of it throws.
[[noreturn]] void throw_no_value(Identity* self);

inline void add_reference(Identity* self) { ++state_of(self)->references; }
// Puts a fresh one at the tail of the run queue.
inline void start_unannounced(HubState& hub, Identity* self) {
  self->flags |= flag::started;
  add_reference(self); // until it ends
  hub.push(self);
}
void announce_start(Identity* self); // to the spawn hooks
inline void start_here(HubState& hub, Identity* self) {
  if (hub.spawn_hooks) [[unlikely]]
    announce_start(self);
  start_unannounced(hub, self);
}

// The child comes after its parent in the tree of who spawned whom.
void inherit_tree(Identity* parent, Identity* child);
inline void set_parent(HubState& hub, Identity* child) {
  Identity* parent = hub.current;
  GreenletState* state = state_of(child);
  state->parent = parent;
  state->parent_generation = parent->generation;
  if (parent->extras != nullptr) [[unlikely]]
    inherit_tree(parent, child);
}
inline void drop_reference(Identity* self) noexcept {
  if (--state_of(self)->references == 0)
    drop_last_reference(self);
}

// A function bound to its arguments, and room for its result.
template <class T, class F>
struct Task : ResultOf<T> {
  std::optional<F> function;

  template <class... Args>
  explicit Task(Args&&... args) : function(std::in_place, std::forward<Args>(args)...) {}

  static void run(Identity* self) noexcept {
    auto* task = body<Task>(self);
    if ((self->flags & flag::finished) != 0) [[unlikely]] { // killed before it began
      task->drop_function();
      drop_reference(self);
      return;
    }
    try {
      if constexpr (std::is_void_v<T>) {
        (*task->function)();
      } else {
        ::new (static_cast<void*>(std::addressof(task->value))) T((*task->function)());
      }
      task->end = End::value;
    } catch (...) {
      end_with_exception(self);
    }
    task->drop_function(); // arguments go with the run, not with the last handle
    finish_greenlet(self);
  }
  void drop_function() {
    if constexpr (!std::is_trivially_destructible_v<F>)
      function.reset();
  }
  static void destroy(Identity* self) noexcept { body<Task>(self)->~Task(); }
  static constexpr bool is_plain = std::is_trivially_destructible_v<F> &&
                                   (std::is_void_v<T> || std::is_trivially_destructible_v<T>);
};

template <class T, class F>
inline constexpr Ops task_ops{
    Task<T, F>::run, Task<T, F>::is_plain ? nullptr : Task<T, F>::destroy, nullptr, kill_greenlet,
    "greenlet",      size_class_of(sizeof(Identity) + sizeof(Task<T, F>))};

template <class T, class F, class... Args>
Identity* make_task(HubState& hub, Args&&... args) {
  static_assert(sizeof(Identity) + sizeof(Task<T, F>) <= largest_slot,
                "the function and its arguments are too large: pass large ones by pointer");
  Identity* self = take_identity(hub, &task_ops<T, F>);
  try {
    ::new (static_cast<void*>(self + 1)) Task<T, F>(std::forward<Args>(args)...);
  } catch (...) {
    give_identity(hub, self);
    throw;
  }
  set_parent(hub, self);
  return self;
}

// A function and its arguments, both decayed, called once as an rvalue: what std::thread does.
template <class F, class... Args>
struct Bound {
  F function;
  std::tuple<Args...> arguments;
  template <class G, class... As>
  explicit Bound(G&& g, As&&... as)
      : function(std::forward<G>(g)), arguments(std::forward<As>(as)...) {}
  decltype(auto) operator()() {
    return std::apply(
        [this](Args&... as) -> decltype(auto) {
          return std::invoke(std::move(function), std::move(as)...);
        },
        arguments);
  }
};

} // namespace grove::detail
