// SPDX-License-Identifier: MIT
// Links: what is called when a greenlet has ended.
#include <memory>
#include <string>
#include <vector>

#include <grove/hub/async_result.hpp>
#include <grove/hub/greenlet.hpp>
#include <grove/hub/hub.hpp>
#include <grove/hub/join.hpp>
#include <grove/hub/queue.hpp>

#include "../support/hub_test.hpp"

namespace grove::test {
namespace {

class LinkTest : public HubTest {};

// gevent K1
TEST_F(LinkTest, links_run_in_the_order_of_linking) {
  for (const std::size_t count : {2u, 3u, 4u, sanitized ? 100u : 1000u}) {
    std::vector<std::size_t> order;
    auto g = spawn([] {});
    for (std::size_t i = 0; i < count; ++i) {
      g.link([&order, i](const GreenletRef<>&) { order.push_back(i); });
    }
    EXPECT_EQ(g.links(), count);
    g.join();
    settle(static_cast<int>(count) + 8); // each has a turn of its own
    ASSERT_EQ(order.size(), count);
    for (std::size_t i = 0; i < count; ++i)
      ASSERT_EQ(order[i], i);
    EXPECT_EQ(g.links(), 0u);
  }
}

// gevent K2
TEST_F(LinkTest, a_link_can_feed_an_async_result_before_and_after_the_end) {
  auto g = spawn([] { return 5; });
  const auto feed = [&g](AsyncResult<int> to) {
    g.link_value([to, g](const GreenletRef<>&) { to.set(g.get()); });
  };
  AsyncResult<int> first;
  feed(first);
  EXPECT_EQ(first.get(), 5);
  for (int i = 0; i < 3; ++i) {
    AsyncResult<int> later;
    feed(later);
    EXPECT_EQ(later.get(), 5);
  }
}

// gevent K4
TEST_F(LinkTest, a_link_gets_the_greenlet_itself) {
  Queue<GreenletRef<>> ended;
  auto g = spawn([] {});
  g.link([&](const GreenletRef<>& who) { ended.put(who); });
  EXPECT_TRUE(ended.get() == g);
  g.link([&](const GreenletRef<>& who) { ended.put(who); });
  EXPECT_TRUE(ended.get() == g);
}

// gevent K5
TEST_F(LinkTest, each_link_waits_in_a_greenlet_of_its_own) {
  Queue<int> out(1);
  out.put(0);
  std::vector<GreenletRef<>> all;
  for (int i = 1; i <= 3; ++i) {
    all.push_back(spawn([] {}));
    all.back().link([&out, i](const GreenletRef<>&) { out.put(i); });
  }
  join_all(all);
  settle();
  EXPECT_EQ(out.waiting_putters(), 3u);
  for (int i = 0; i <= 3; ++i)
    EXPECT_EQ(out.get(), i);
  settle();
}

// gevent K6
TEST_F(LinkTest, an_unlinked_one_is_not_called) {
  int calls = 0;
  const auto count = [&](const GreenletRef<>&) { ++calls; };
  auto g = make_greenlet([] {});
  for (const auto id : {g.link(count), g.link_value(count), g.link_exception(count)}) {
    EXPECT_GE(g.links(), 1u);
    g.unlink(id);
  }
  EXPECT_EQ(g.links(), 0u);
  g.start();
  g.join();
  settle();
  EXPECT_EQ(calls, 0);
}

// gevent K7
TEST_F(LinkTest, all_of_twenty_mixed_links_fire) {
  std::vector<AsyncResult<int>> results(10);
  std::vector<std::unique_ptr<Queue<int>>> queues;
  auto g = spawn([] { return 8; });
  for (int i = 0; i < 10; ++i) {
    auto& result = results[static_cast<std::size_t>(i)];
    g.link([result, g](const GreenletRef<>&) { result.set(g.get()); });
    queues.push_back(std::make_unique<Queue<int>>(1));
    g.link([queue = queues.back().get(), g](const GreenletRef<>&) { queue->put(g.get()); });
  }
  g.join();
  settle(32);
  for (const auto& result : results)
    EXPECT_TRUE(result.ready());
  for (const auto& queue : queues)
    EXPECT_TRUE(queue->full());
}

// gevent K9
TEST_F(LinkTest, links_of_a_killed_one_fire_and_see_that_it_was_killed) {
  Log log;
  auto g = spawn([] { sleep(Deadline()); });
  g.link([&](const GreenletRef<>& who) { log.push_back(who.killed() ? "killed" : "not killed"); });
  g.link_value([&](const GreenletRef<>&) { log.push_back("value"); });
  g.link_exception([&](const GreenletRef<>&) { log.push_back("no value"); });
  yield();
  g.kill();
  settle();
  EXPECT_EQ(log, (Log{"killed", "no value"}));
}

TEST_F(LinkTest, value_and_exception_links_fire_by_outcome) {
  ErrorLog errors;
  Log log;
  const auto link_both = [&](const GreenletRef<>& g, std::string name) {
    g.link_value([&log, name](const GreenletRef<>&) { log.push_back(name + " value"); });
    g.link_exception([&log, name](const GreenletRef<>&) { log.push_back(name + " error"); });
  };
  auto good = spawn([] { return 1; });
  auto bad = spawn([] { throw TestError(); });
  link_both(good, "good");
  link_both(bad, "bad");
  join_all({good, bad});
  settle();
  EXPECT_EQ(log, (Log{"good value", "bad error"}));
  link_both(good, "late good");
  link_both(bad, "late bad");
  settle();
  EXPECT_EQ(log, (Log{"good value", "bad error", "late good value", "late bad error"}));
}

// gevent K10
TEST_F(LinkTest, a_link_that_throws_is_reported_and_stops_no_other) {
  ErrorLog errors;
  Log log;
  auto g = spawn([] {});
  g.link([&](const GreenletRef<>&) {
    log.push_back("1");
    throw TestError(1);
  });
  g.link([&](const GreenletRef<>&) {
    log.push_back("2");
    throw TestError(2);
  });
  g.link([&](const GreenletRef<>&) { log.push_back("3"); });
  g.join();
  settle();
  EXPECT_EQ(log, (Log{"1", "2", "3"}));
  EXPECT_EQ(errors.size(), 2u);
}

// gevent K11
TEST_F(LinkTest, a_link_may_unlink_one_that_has_not_run_yet) {
  Log log;
  auto g = spawn([] {});
  LinkId first{};
  LinkId second{};
  first = g.link([&](const GreenletRef<>& who) {
    log.push_back("first");
    who.unlink(second);
  });
  second = g.link([&](const GreenletRef<>& who) {
    log.push_back("second");
    who.unlink(first);
  });
  g.join();
  settle();
  EXPECT_EQ(log, Log{"first"});
}

// gevent K12
TEST_F(LinkTest, unlinking_what_never_was_does_nothing) {
  int calls = 0;
  auto g = spawn([] {});
  const auto id = g.link([&](const GreenletRef<>&) { ++calls; });
  g.unlink(LinkId{static_cast<std::uint64_t>(id) + 1000});
  EXPECT_EQ(g.links(), 1u);
  g.join();
  settle();
  g.unlink(id);
  EXPECT_EQ(calls, 1);
}

// gevent K14
TEST_F(LinkTest, after_the_end_an_unlinked_one_does_not_fire_and_a_new_one_does) {
  Log log;
  auto g = spawn([] {});
  g.join();
  const auto old = g.link([&](const GreenletRef<>&) { log.push_back("old"); });
  g.unlink(old);
  g.link([&](const GreenletRef<>&) { log.push_back("new"); });
  settle();
  EXPECT_EQ(log, Log{"new"});
}

TEST_F(LinkTest, a_link_made_while_links_run_is_called_too) {
  Log log;
  auto g = spawn([] {});
  g.link([&](const GreenletRef<>& who) {
    log.push_back("outer");
    who.link([&](const GreenletRef<>&) { log.push_back("inner"); });
  });
  g.join();
  settle(16);
  EXPECT_EQ(log, (Log{"outer", "inner"}));
}

TEST_F(LinkTest, links_run_though_no_handle_is_left) {
  bool called = false;
  spawn([] { yield(); }).link([&](const GreenletRef<>& who) { called = who.successful(); });
  settle();
  EXPECT_TRUE(called);
}

TEST_F(LinkTest, what_a_link_holds_is_freed_with_it) {
  int alive = 0;
  {
    auto ran = spawn([] {});
    ran.link([c = Counted(alive)](const GreenletRef<>&) {});
    auto dropped = make_greenlet([] {});
    dropped.link([c = Counted(alive)](const GreenletRef<>&) {});
    EXPECT_EQ(alive, 2);
    ran.join();
    settle();
    EXPECT_EQ(alive, 1);
  }
  EXPECT_EQ(alive, 0);
}

TEST_F(LinkTest, a_link_to_a_fresh_one_that_is_killed_fires) {
  bool called = false;
  auto g = make_greenlet([] {});
  g.link([&](const GreenletRef<>& who) { called = who.killed(); });
  g.kill();
  settle();
  EXPECT_TRUE(called);
}

} // namespace
} // namespace grove::test
