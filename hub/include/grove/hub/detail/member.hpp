// SPDX-License-Identifier: MIT
// Member: a greenlet's place in a group. It lies in the greenlet's own function, so it costs no
// allocation, and leaves when that function is destroyed, at the greenlet's end.
#pragma once

#include <utility>

#include <grove/hub/detail/greenlet_state.hpp>

namespace grove {
class Group;
}

namespace grove::detail {

// Hub-local; must not outlive its group unless it has left it.
class Member : private WaitNode {
public:
  Member() = default;
  Member(const Member&) = delete;
  Member& operator=(const Member&) = delete;
  ~Member() { leave(); }

  // If it is in a group: gives its slot back, tells of its error, wakes who waits.
  void leave() noexcept {
    if (group_ != nullptr)
      leave_group();
  }
  Group* group() const { return group_; }

private:
  friend class grove::Group;
  void leave_group() noexcept;

  Group* group_ = nullptr;
  Identity* who_ = nullptr;
  bool has_slot_ = false;
};

// A function bound to a place in a group. The place is destroyed last: who joins the group may free
// what the function and its arguments refer to.
template <class F>
struct MemberCall {
  Member member;
  F function;
  template <class... Args>
  explicit MemberCall(Args&&... args) : function(std::forward<Args>(args)...) {}
  decltype(auto) operator()() { return function(); }
};

// The table of a greenlet that was born in a group: known by its `kill`, it leads to the place.
struct MemberOps : Ops {
  Member* (*member)(Identity*); // null once the function is gone
};
void kill_member(Identity* self) noexcept; // of one that has not begun: it leaves at once

template <class T, class F>
constexpr MemberOps make_member_ops() {
  MemberOps ops{task_ops<T, MemberCall<F>>, [](Identity* self) -> Member* {
                  auto& function = body<Task<T, MemberCall<F>>>(self)->function;
                  return function.has_value() ? &function->member : nullptr;
                }};
  ops.kill = kill_member;
  return ops;
}
template <class T, class F>
inline constexpr MemberOps member_ops = make_member_ops<T, F>();

// The place that a greenlet was born with; null if it was born in no group, or has ended.
inline Member* born_member(Identity* identity) {
  if (identity->ops->kill != kill_member)
    return nullptr;
  return static_cast<const MemberOps*>(identity->ops)->member(identity);
}

} // namespace grove::detail
