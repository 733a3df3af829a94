// SPDX-License-Identifier: MIT
// Links: who ends with whom, and who hears of it instead.
#include <stdexcept>
#include <string>

#include <grove/actors.hpp>

#include "../support/hub_test.hpp"
#include "relatives.hpp"

namespace grove::test {
namespace {

class LinkTest : public HubTest {
protected:
  ActorRef<Relative> make(const std::string& name, bool traps = false) {
    auto one = spawn<Relative>(log_, name);
    one.ask(Do{[traps](Relative& me) {
      me.tells_stop = true;
      if (traps)
        me.trap_exits();
    }});
    return one;
  }

  ErrorLog errors_;
  Log log_;
};

// actors 70
TEST_F(LinkTest, a_failure_ends_the_linked_with_the_same_reason) {
  auto a = make("a");
  auto b = make("b");
  a.ask(Link{b});
  a.tell(Fail{"oops"});
  EXPECT_TRUE(b.join());
  EXPECT_EQ(log_,
            (Log{"a: on_stop: std::runtime_error: oops", "b: on_stop: std::runtime_error: oops"}));
}

// actors 69
TEST_F(LinkTest, it_holds_in_both_directions) {
  auto a = make("a");
  auto b = make("b");
  a.ask(Link{b});
  b.tell(Fail{"oops"});
  EXPECT_TRUE(a.join());
  EXPECT_TRUE(b.join());
}

// actors 69
TEST_F(LinkTest, there_is_one_per_pair) {
  auto a = make("a");
  auto b = make("b");
  a.ask(Link{b});
  b.ask(Link{a});
  a.ask(Link{b});
  b.ask(Do{[&](Relative& me) { me.unlink(a); }});
  a.kill();
  settle();
  EXPECT_FALSE(b.join(1ms));
  b.kill();
}

// actors 70
TEST_F(LinkTest, a_stop_ends_nobody_else) {
  auto a = make("a");
  auto b = make("b");
  a.ask(Link{b});
  a.stop();
  EXPECT_TRUE(a.join());
  settle();
  EXPECT_FALSE(b.join(1ms));
  b.kill();
}

// actors 70
TEST_F(LinkTest, one_that_traps_hears_of_each_end) {
  auto keeper = make("keeper", true);
  auto a = make("a");
  auto b = make("b");
  auto c = make("c");
  for (const auto& one : {a, b, c})
    keeper.ask(Link{one});
  a.stop();
  settle();
  b.tell(Fail{"oops"});
  settle();
  c.kill();
  settle();
  EXPECT_EQ(log_, (Log{"a: on_stop: stopped", "keeper: exit: stopped",
                       "b: on_stop: std::runtime_error: oops",
                       "keeper: exit: std::runtime_error: oops", "keeper: exit: killed"}));
  keeper.kill();
}

// actors 72
TEST_F(LinkTest, a_kill_is_not_trapped_and_is_seen_as_one) {
  auto a = make("a", true);
  auto b = make("b", true);
  a.ask(Link{b});
  EXPECT_TRUE(a.kill());
  settle();
  EXPECT_EQ(log_, Log{"b: exit: killed"});
  b.kill();
}

// actors 74
TEST_F(LinkTest, to_one_that_has_ended_is_an_exit_at_once) {
  auto dead = make("dead");
  dead.kill();
  auto keeper = make("keeper", true);
  keeper.ask(Link{dead});
  keeper.ask(Link{ActorRef<Actor>()});
  settle();
  EXPECT_EQ(log_, (Log{"keeper: exit: gone before anybody looked",
                       "keeper: exit: gone before anybody looked"}));
  keeper.kill();
  log_.clear();

  auto a = make("a");
  a.tell(Link{dead});
  EXPECT_TRUE(a.join());
  EXPECT_EQ(log_, Log{"a: on_stop: gone before anybody looked"});
}

TEST_F(LinkTest, a_handler_that_waits_is_unwound) {
  auto a = make("a");
  auto b = make("b");
  a.ask(Link{b});
  b.tell(Do{[this](Relative&) {
    const AtExit unwound([this] { log_.push_back("unwound"); });
    sleep(3600s);
  }});
  settle();
  a.tell(Fail{"oops"});
  EXPECT_TRUE(b.join());
  EXPECT_EQ(log_, (Log{"a: on_stop: std::runtime_error: oops", "unwound",
                       "b: on_stop: std::runtime_error: oops"}));
}

TEST_F(LinkTest, a_chain_and_a_ring_end_as_a_whole) {
  std::vector<ActorRef<Relative>> ring;
  for (int i = 0; i < 10; ++i)
    ring.push_back(make(std::to_string(i)));
  for (std::size_t i = 0; i < ring.size(); ++i)
    ring[i].ask(Link{ring[(i + 1) % ring.size()]});
  ring[3].kill();
  EXPECT_TRUE(join_all(ring));
}

TEST_F(LinkTest, an_unlinked_one_lives_on) {
  auto a = make("a");
  auto b = make("b");
  a.ask(Link{b});
  a.ask(Do{[&](Relative& me) { me.unlink(b); }});
  b.kill();
  settle();
  EXPECT_FALSE(a.join(1ms));
  a.kill();
}

// actors 75
TEST_F(LinkTest, spawn_link_leaves_no_gap) {
  auto keeper = make("keeper", true);
  keeper.ask(Do{[&](Relative& me) {
    auto child = me.spawn_link<Relative>(log_, "child", Dies::after_start);
    child.join();
  }});
  settle();
  EXPECT_EQ(log_, Log{"keeper: exit: stopped"});
  keeper.kill();
}

TEST_F(LinkTest, a_linked_start_that_fails_is_thrown_and_ends_nobody) {
  auto a = make("a");
  a.ask(Do{[&](Relative& me) {
    EXPECT_THROW(me.spawn_link<Relative>(log_, "child", Dies::in_start), std::runtime_error);
    EXPECT_THROW(me.spawn_link<Relative>(log_, "child", Dies::in_constructor), std::runtime_error);
  }});
  settle();
  EXPECT_FALSE(a.join(1ms));
  a.kill();
}

TEST_F(LinkTest, works_across_hubs) {
  HubThread elsewhere;
  Log far_log; // its hub's
  auto far = elsewhere.call([&] { return spawn<Relative>(far_log, "far"); });
  auto keeper = make("keeper", true);
  keeper.ask(Link{far});
  auto down = when_down(far); // behind the link, on its way to that hub
  far.tell(Fail{"oops"});
  (void)down.get();
  while (log_.empty())
    yield();
  EXPECT_EQ(log_, Log{"keeper: exit: std::runtime_error: oops"});

  auto other = elsewhere.call([&] { return spawn<Relative>(far_log, "other"); });
  keeper.ask(Link{other});
  auto end = when_down(other); // behind the link
  keeper.kill();
  EXPECT_EQ(end.get().reason.kind, ExitReason::Kind::killed);
}

} // namespace
} // namespace grove::test
