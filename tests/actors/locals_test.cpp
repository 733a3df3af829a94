// SPDX-License-Identifier: MIT
// Greenlet-local values of actors: when they go, and that none is left to the next actor.
#include <functional>
#include <utility>

#include <grove/actors.hpp>
#include <grove/hub/greenlet_local.hpp>
#include <grove/hub/join.hpp>

#include "../support/hub_test.hpp"

namespace grove::test {
namespace {

class ActorLocals : public HubTest {};

struct Call {
  std::function<void()> f;
};
struct Caller : Actor {
  void receive(const Call& m) { m.f(); }
};

// A value that does something at its end.
struct Last {
  std::function<void()> f;
  Last() = default;
  Last(Last&& other) noexcept : f(std::exchange(other.f, nullptr)) {}
  Last& operator=(Last&& other) noexcept {
    std::swap(f, other.f);
    return *this;
  }
  ~Last() {
    if (f)
      f();
  }
};

TEST_F(ActorLocals, are_gone_when_its_end_has_come_though_their_destructors_wait) {
  GreenletLocal<Last> local;
  for (const bool killed : {false, true}) {
    bool gone = false;
    auto actor = grove::spawn<Caller>();
    actor.tell(Call{[&] {
      local->f = [&] {
        yield();
        sleep(1ms);
        gone = true;
      };
    }});
    settle();
    if (killed)
      kill_all({actor});
    else
      actor.stop();
    EXPECT_TRUE(join_all({actor}));
    EXPECT_TRUE(gone);
  }
}

TEST_F(ActorLocals, who_joins_while_they_go_waits_too) {
  GreenletLocal<Last> local;
  bool begun = false;
  bool gone = false;
  auto actor = grove::spawn<Caller>();
  actor.tell(Call{[&] {
    local->f = [&] {
      begun = true;
      sleep(1ms);
      gone = true;
    };
  }});
  actor.stop();
  while (!begun)
    yield();
  EXPECT_TRUE(join_all({actor}));
  EXPECT_TRUE(gone);
}

TEST_F(ActorLocals, what_their_destructors_make_is_not_left_to_the_next_actor_of_the_slot) {
  GreenletLocal<int> inner;
  GreenletLocal<Last> outer;
  auto first = grove::spawn<Caller>();
  first.tell(Call{[&] { outer->f = [&] { inner.set(42); }; }});
  first.stop();
  join_all({first});
  bool called = false;
  bool inherited = false;
  auto second = grove::spawn<Caller>();
  second.tell(Call{[&] {
    inherited = inner.has_value();
    called = true;
  }});
  second.stop();
  join_all({second});
  EXPECT_TRUE(called);
  EXPECT_FALSE(inherited);
}

} // namespace
} // namespace grove::test
