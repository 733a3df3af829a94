// SPDX-License-Identifier: MIT
// Group: greenlets that are joined and killed together; scope: a group for the length of a call.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <exception>
#include <limits>
#include <memory>
#include <ranges>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <vector>

#include <grove/hub/deadline.hpp>
#include <grove/hub/detail/member.hpp>
#include <grove/hub/detail/operation.hpp>
#include <grove/hub/exceptions.hpp>
#include <grove/hub/greenlet.hpp>
#include <grove/hub/results.hpp>

namespace grove {

namespace detail {
template <class T, class F, class R>
class Stream;
}

// Group is a set of greenlets. One that is spawned in it is a member until its function has ended;
// the group keeps nothing of it but its first error. Hub-local. Destroying a group kills its
// members and waits for their ends, behind a Shield, and never throws; nobody but them should use
// it then: who waits for a slot of a Pool is woken with Closed. Of a group that is being killed or
// destroyed, whatever is spawned in it is killed before it begins.
// Every call that may wait is a suspension point; a kill or a Timeout scope that ends a wait leaves
// the group as it was, except where it says otherwise.
class Group {
public:
  Group() = default;
  Group(const Group&) = delete;
  Group& operator=(const Group&) = delete;
  ~Group();

  // -- members -------------------------------------------------------------------------------
  // As grove::spawn(). In a Pool that is full it waits for a slot, first come, first served; with a
  // time limit by with_timeout(), or wait_available() before.
  template <class F, class... Args>
  requires SpawnCallable<F, Args...> GreenletRef<SpawnResult<F, Args...>> spawn(F&& f,
                                                                                Args&&... args);
  template <class F, class... Args>
  requires SpawnCallable<F, Args...> GreenletRef<SpawnResult<F, Args...>>
  spawn(const SpawnOptions& options, F&& f, Args&&... args);

  // Makes a greenlet of this hub a member until soon after its end; nothing happens if it has ended
  // or is one already. A fresh one is not started. Waits like spawn(): false if the deadline came
  // first. std::logic_error for an empty handle.
  bool add(const GreenletRef<>& greenlet, Deadline deadline = {});
  // The member goes on without the group. False if it was none.
  bool discard(const GreenletRef<>& greenlet);

  bool contains(const GreenletRef<>& greenlet) const;
  // Members, and slots that were just given to one who waits to spawn.
  std::size_t size() const { return used_; }
  // Nor does anything wait for a slot in apply_async(), or feed an imap or map_async.
  bool empty() const { return used_ == 0 && attendants_ == 0; }

  // -- waiting -------------------------------------------------------------------------------
  // Waits until the group is empty(). False if the deadline came first. std::logic_error when a
  // member waits for its own group.
  bool join(Deadline deadline = {});
  // The same, then throws the first error that left a member since it was last asked for.
  bool join_or_throw(Deadline deadline = {});
  // Waits until the group is empty or a member has failed. Then the others are killed and waited
  // for, and the error is thrown. False if the deadline came first: the members go on.
  bool finish(Deadline deadline = {});

  // -- ending --------------------------------------------------------------------------------
  // Kills each member once and waits until the group is empty. False if the deadline came first. A
  // member that calls it kills the others, then itself, at once.
  bool kill(Deadline deadline = {});
  void kill_nowait();

  // -- work ----------------------------------------------------------------------------------
  // Runs f(args...) as a member and returns its result, or throws what it threw, or Killed. If the
  // caller is interrupted the member is killed and waited for: so with_timeout() limits its time. A
  // member of a Pool calls f itself: it has a slot.
  template <class F, class... Args>
  requires SpawnCallable<F, Args...> SpawnResult<F, Args...> apply(F&& f, Args&&... args);
  // The same without waiting, even in a full Pool: there the member waits for its slot. For a
  // callback: .link_value(...) of what is returned.
  template <class F, class... Args>
  requires SpawnCallable<F, Args...> GreenletRef<SpawnResult<F, Args...>>
  apply_async(F&& f, Args&&... args);

  // f(item) for each item, at once (in a Pool: as many at a time as it has slots, which greenlets
  // of the pool share); the results in the order of the items, a vector or nothing. At the first
  // error, or when the caller is interrupted, no more begin, those under way are killed and waited
  // for, and it is thrown; if a member was killed, Killed; if the deadline came first,
  // TimeoutError.
  template <class F, std::ranges::input_range R>
  auto map(F&& f, R&& items, Deadline deadline = {});
  // The same in a member of the group. `items` is moved or copied there.
  template <class F, std::ranges::input_range R>
  auto map_async(F f, R items) {
    return attend([this, f = std::move(f), items = std::move(items)]() mutable {
      return map(f, std::move(items));
    });
  }
  // The results as an input range, in the order of the items, or as they come. Items are taken from
  // their range one by one, a greenlet for each; with a maxsize no more than that many are under
  // way or not yet read (std::invalid_argument if that is a negative number in disguise). An lvalue
  // range is referred to and must outlive the results.
  template <class F, std::ranges::input_range R>
  auto imap(F f, R&& items, std::size_t maxsize = 0) {
    return stream<true>(std::move(f), std::forward<R>(items), maxsize);
  }
  template <class F, std::ranges::input_range R>
  auto imap_unordered(F f, R&& items, std::size_t maxsize = 0) {
    return stream<false>(std::move(f), std::forward<R>(items), maxsize);
  }

  // For wait_any(): succeeds when the group is empty.
  class JoinOp : public detail::Operation {
  public:
    using Result = void;
    explicit JoinOp(Group& group) : group_(group) {}
    bool ready() const { return group_.empty(); }
    void arm() { group_.joiners_.push_back(waiter_); }
    void take() {}
    static constexpr const char* name = "wait_any(Group.join)";

  private:
    Group& group_;
  };
  [[nodiscard]] JoinOp join_op() {
    home_("Group.join_op");
    return JoinOp(*this);
  }

protected:
  static constexpr std::size_t unlimited = std::numeric_limits<std::size_t>::max();
  explicit Group(std::size_t bound) : bound_(bound) {}

  detail::HomeCheck home_;
  std::size_t bound_ = unlimited;
  std::size_t used_ = 0;      // slots: of members, and given to who waits
  detail::WaitList watchers_; // wait for a free slot and do not take it

private:
  friend class detail::Member;
  template <class T, class F, class R>
  friend class detail::Stream;

  // A slot on its way to a member; else it goes back.
  class Slot {
  public:
    Slot(Group& group, const char* what, Deadline deadline = {}) : group_(group) {
      if (!group.wait_for_slot(what, deadline))
        throw_not_in_time(what);
    }
    explicit Slot(Group& group) : group_(group) {}
    Slot(const Slot&) = delete;
    Slot& operator=(const Slot&) = delete;
    ~Slot() {
      if (!kept_)
        group_.release_slot();
    }
    void keep() { kept_ = true; }

  private:
    Group& group_;
    bool kept_ = false;
  };
  struct Added { // one that was not born here
    GreenletRef<> greenlet;
    LinkId link{};
    detail::Member member; // leaves while there is a handle
  };
  template <class F>
  class LateCall;
  template <class Work>
  struct Worker;

  bool bounded() const { return bound_ != unlimited; }
  bool take_free_slot() { return used_ < bound_ && (++used_, true); }
  bool wait_for_slot(const char* what, Deadline deadline);
  void release_slot() noexcept;
  void enter(detail::Member& member, detail::Identity* who, bool with_slot);
  void promote(detail::Member& member);
  void make_way();
  void left(detail::Member& member) noexcept;
  void wake_joiners() noexcept;
  bool has(detail::Identity* identity) const;
  bool has_slot(detail::Identity* identity) const;
  void fail(std::exception_ptr error) noexcept;
  bool wait_until_empty(const char* what, Deadline deadline);
  void kill_others() noexcept;
  void throw_first_error();
  [[noreturn]] static void throw_not_in_time(const char* what);

  // Makes a greenlet that calls an F of these arguments, a member; not started.
  template <class T, class F, class... Args>
  GreenletRef<T> make_member(bool with_slot, Args&&... args);
  void start(const GreenletRef<>& member);
  void start_in(Group& crew, detail::Member& place, const GreenletRef<>& member);
  template <class F>
  auto attend(F&& f);
  template <class RunOne>
  void share(std::size_t count, RunOne run_one, Deadline deadline);
  template <class Work>
  void run_here(Work work, Deadline deadline);
  template <bool Ordered, class F, class R>
  auto stream(F f, R&& items, std::size_t maxsize);

  detail::WaitNode members_;   // a ring, in the order of coming
  std::size_t attendants_ = 0; // members without a slot: they wait for one, or feed others
  std::size_t killing_ = 0;    // kills under way
  std::exception_ptr first_error_;
  std::unordered_map<detail::Identity*, Added> added_;
  detail::WaitList spawners_; // wait for a slot
  detail::WaitList joiners_;
  detail::WaitList finishers_; // the same, or for an error
};

// Calls f with a group, then waits as Group::finish() does: at the first error of a member the
// others are killed, and it is thrown. When f itself throws, or is interrupted, the members are
// killed and waited for; so they are when the deadline comes before their ends, and TimeoutError is
// thrown. Neither a failing member nor the deadline interrupts f: with_timeout() around all does.
template <std::invocable<Group&> F>
std::invoke_result_t<F, Group&> scope(F&& f, Deadline deadline = {}) {
  Group group;
  const auto finish = [&] {
    if (!group.finish(deadline))
      throw TimeoutError("scope: its members have not ended in time");
  };
  if constexpr (std::is_void_v<std::invoke_result_t<F, Group&>>) {
    std::invoke(std::forward<F>(f), group);
    finish();
  } else {
    auto result = std::invoke(std::forward<F>(f), group);
    finish();
    return result;
  }
}

} // namespace grove

#include <grove/hub/detail/group_work.hpp>
