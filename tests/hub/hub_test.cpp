// SPDX-License-Identifier: MIT
// Hub: order, fairness, post, the error hook, dump.
#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

#include <grove/hub/async_result.hpp>
#include <grove/hub/descriptor.hpp>
#include <grove/hub/event.hpp>
#include <grove/hub/greenlet.hpp>
#include <grove/hub/hub.hpp>
#include <grove/hub/hub_thread.hpp>
#include <grove/hub/join.hpp>
#include <grove/hub/queue.hpp>

#include "../support/hub_test.hpp"

namespace grove::test {
namespace {

class HubItself : public HubTest {};

// -- order and fairness --------------------------------------------------------------------------

TEST_F(HubItself, greenlets_run_in_the_order_of_spawning) {
  std::vector<int> order;
  std::vector<GreenletRef<>> all;
  for (int i = 0; i < 100; ++i)
    all.push_back(spawn([&, i] { order.push_back(i); }));
  join_all(all);
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
  EXPECT_EQ(order.size(), 100u);
}

TEST_F(HubItself, the_same_program_gives_the_same_order) {
  const auto play = [] {
    Log log;
    Queue<int> queue(2);
    std::vector<GreenletRef<>> all;
    for (int p = 0; p < 3; ++p) {
      all.push_back(spawn([&, p] {
        for (int i = 0; i < 5; ++i) {
          queue.put(10 * p + i);
          log.push_back("put" + std::to_string(10 * p + i));
          if (i % 2 == p % 2)
            yield();
        }
      }));
    }
    for (int c = 0; c < 3; ++c) {
      all.push_back(spawn([&, c] {
        for (int i = 0; i < 5; ++i) {
          log.push_back(std::to_string(c) + "got" + std::to_string(queue.get()));
        }
      }));
    }
    join_all(all);
    return log;
  };
  const auto first = play();
  EXPECT_EQ(first.size(), 30u);
  EXPECT_EQ(play(), first);
}

TEST_F(HubItself, everybody_has_a_turn_between_two_turns_of_one) {
  std::vector<int> turns(5);
  int most_ahead = 0;
  std::vector<GreenletRef<>> all;
  for (std::size_t i = 0; i < turns.size(); ++i) {
    all.push_back(spawn([&, i] {
      for (int n = 0; n < 200; ++n) {
        ++turns[i];
        const auto [least, most] = std::minmax_element(turns.begin(), turns.end());
        most_ahead = std::max(most_ahead, *most - *least);
        yield();
      }
    }));
  }
  join_all(all);
  EXPECT_EQ(most_ahead, 1);
}

TEST_F(HubItself, timers_fire_while_others_are_always_busy) {
  bool stop = false;
  auto busy = [&] {
    while (!stop)
      yield();
  };
  auto a = spawn(busy);
  auto b = spawn(busy);
  sleep(2ms);
  stop = true;
  EXPECT_TRUE(join_all({a, b}));
}

// pitfall 49
TEST_F(HubItself, descriptors_are_seen_while_others_are_always_busy) {
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
  bool stop = false;
  auto busy = [&] {
    while (!stop)
      yield();
  };
  auto a = spawn(busy);
  auto b = spawn(busy);
  auto reader = spawn([&] { return wait_readable(ends[0]); });
  settle();
  ASSERT_EQ(write(ends[1], "x", 1), 1);
  EXPECT_TRUE(reader.get());
  stop = true;
  join_all({a, b});
  close_descriptor(ends[0]);
  close_descriptor(ends[1]);
}

TEST_F(HubItself, posts_are_seen_while_others_are_always_busy) {
  bool stop = false;
  auto busy = spawn([&] {
    while (!stop)
      yield();
  });
  std::thread sender([hub = &Hub::current(), &stop] { hub->post([&stop] { stop = true; }); });
  EXPECT_TRUE(busy.join());
  sender.join();
}

TEST_F(HubItself, a_busy_main_lets_timers_fire) {
  bool fired = false;
  auto g = spawn_later(1ms, [&] { fired = true; });
  while (!fired)
    yield();
  EXPECT_TRUE(g.join());
}

// -- post ----------------------------------------------------------------------------------------

TEST_F(HubItself, a_post_from_the_hub_itself_runs_in_a_greenlet_that_may_wait) {
  Log log;
  Event done;
  Hub::current().post([&] {
    log.push_back(current_greenlet() ? "greenlet" : "none");
    sleep(1ms);
    done.set();
  });
  EXPECT_EQ(log, Log{}) << "never at once";
  done.wait();
  EXPECT_EQ(log, Log{"greenlet"});
}

// gevent H21
// pitfall 54, 56
TEST_F(HubItself, posts_keep_the_order_of_each_sender_and_none_is_lost) {
  const int senders = 4;
  const int each = sanitized ? 500 : 5000;
  Hub& hub = Hub::current();
  const auto attachment = hub.attach();
  std::vector<int> last(senders, -1);
  int out_of_order = 0;
  int seen = 0;
  Event all_seen;
  std::vector<std::thread> threads;
  for (int s = 0; s < senders; ++s) {
    threads.emplace_back([&, s] {
      for (int i = 0; i < each; ++i) {
        hub.post([&, s, i] {
          auto& before = last[static_cast<std::size_t>(s)];
          if (i != before + 1)
            ++out_of_order;
          before = i;
          if (++seen == senders * each)
            all_seen.set();
        });
      }
    });
  }
  all_seen.wait();
  for (auto& thread : threads)
    thread.join();
  EXPECT_EQ(out_of_order, 0);
  EXPECT_EQ(seen, senders * each);
}

// pitfall 54
TEST_F(HubItself, a_foreign_thread_wakes_a_hub_that_sleeps_or_is_about_to) {
  const auto attachment = Hub::current().attach();
  const int rounds = sanitized ? 300 : 3000;
  std::vector<AsyncResult<int>> results(static_cast<std::size_t>(rounds));
  std::atomic<int> go{-1};
  std::thread sender([&go, results] {
    int i = 0;
    for (const auto& result : results) {
      while (go.load() < i)
        std::this_thread::yield();
      result.set(i++);
    }
  });
  int woken = 0;
  for (int i = 0; i < rounds; ++i) {
    go.store(i);
    if (results[static_cast<std::size_t>(i)].get() == i)
      ++woken;
  }
  sender.join();
  EXPECT_EQ(woken, rounds);
}

TEST_F(HubItself, what_a_post_throws_goes_to_the_error_hook) {
  ErrorLog errors;
  Event next;
  Hub::current().post([] { throw TestError(1); });
  Hub::current().post([&] { next.set(); });
  next.wait();
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_THROW(std::rethrow_exception(errors[0].error), TestError);
}

TEST_F(HubItself, a_post_may_own_what_cannot_be_copied) {
  int got = 0;
  Event done;
  Hub::current().post([&, p = std::make_unique<int>(3)] {
    got = *p;
    done.set();
  });
  done.wait();
  EXPECT_EQ(got, 3);
}

TEST_F(HubItself, a_thread_of_its_own_has_no_hub) {
  bool threw = false;
  std::thread thread([&] {
    try {
      Hub::current();
    } catch (const std::logic_error&) {
      threw = true;
    }
  });
  thread.join();
  EXPECT_TRUE(threw);
}

TEST_F(HubItself, spawning_on_a_thread_without_a_hub_is_an_error) {
  bool threw = false;
  std::thread thread([&] {
    try {
      spawn([] {});
    } catch (const std::logic_error&) {
      threw = true;
    }
  });
  thread.join();
  EXPECT_TRUE(threw);
}

TEST_F(HubItself, objects_of_another_hub_are_refused_in_checked_builds) {
  if (!detail::debug_checks)
    GTEST_SKIP() << "this build does not check";
  HubThread other;
  Event event;
  Queue<int> queue;
  other.call([&] {
    EXPECT_THROW(event.set(), std::logic_error);
    EXPECT_THROW(event.wait(0ms), std::logic_error);
    EXPECT_THROW(queue.put(1), std::logic_error);
    EXPECT_THROW((void)queue.try_get(), std::logic_error);
  });
  EXPECT_TRUE(queue.empty());
}

TEST_F(HubItself, objects_of_a_hub_that_has_ended_are_refused_on_the_next_in_checked_builds) {
  if (!detail::debug_checks)
    GTEST_SKIP() << "this build does not check";
  std::unique_ptr<Event> event;
  std::uint16_t index = 0;
  {
    HubThread one;
    index = one.hub().index();
    one.call([&] { event = std::make_unique<Event>(); });
  }
  HubThread two;
  ASSERT_EQ(two.hub().index(), index);
  two.call([&] {
    EXPECT_THROW(event->set(), std::logic_error);
    EXPECT_THROW(event->wait(0ms), std::logic_error);
    event = std::make_unique<Event>();
    event->set();
    EXPECT_TRUE(event->wait(0ms));
  });
}

// -- errors --------------------------------------------------------------------------------------

// gevent H1
TEST_F(HubItself, an_unhandled_exception_is_reported_once_and_the_hub_lives_on) {
  ErrorLog errors;
  const auto before = Hub::current().stats().errors;
  auto g = spawn(SpawnOptions{.name = "failing"}, [] { throw TestError(6); });
  const auto start = Clock::now();
  sleep(3ms);
  EXPECT_GE(Clock::now() - start, 3ms) << "main is undisturbed";
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_EQ(errors[0].where, "failing");
  EXPECT_NE(errors[0].what.find("test error"), std::string::npos) << errors[0].what;
  EXPECT_NE(errors[0].what.find("TestError"), std::string::npos) << errors[0].what;
  EXPECT_EQ(errors[0].error, g.exception());
  EXPECT_EQ(Hub::current().stats().errors, before + 1);
  EXPECT_EQ(spawn([] { return 1; }).get(), 1);
}

TEST_F(HubItself, an_exception_of_any_type_is_reported_by_its_type) {
  ErrorLog errors;
  spawn([] { throw 42; }).join();
  spawn([] { throw std::string("text"); }).join();
  ASSERT_EQ(errors.size(), 2u);
  EXPECT_NE(errors[0].what.find("int"), std::string::npos) << errors[0].what;
  EXPECT_NE(errors[1].what.find("string"), std::string::npos) << errors[1].what;
}

TEST_F(HubItself, any_error_can_be_put_into_the_same_words) {
  ErrorLog errors;
  auto failed = spawn([] { throw std::runtime_error("no luck"); });
  std::string told;
  failed.link_exception([&](const GreenletRef<>& g) { told = describe(g.exception()); });
  settle();
  EXPECT_EQ(told, "std::runtime_error: no luck");
  EXPECT_EQ(errors[0].what, told);
  EXPECT_EQ(describe(std::make_exception_ptr(7)), "int");
  EXPECT_EQ(describe(std::make_exception_ptr(GreenletExit())), "grove::GreenletExit");
  EXPECT_EQ(describe(nullptr), "nothing");
}

TEST_F(HubItself, a_kill_is_not_reported) {
  ErrorLog errors;
  auto g = spawn([] { sleep(10s); });
  yield();
  g.kill();
  spawn([] { throw GreenletExit(); }).join();
  EXPECT_EQ(errors.size(), 0u);
}

TEST_F(HubItself, without_a_hook_one_line_goes_to_stderr) {
  ::testing::internal::CaptureStderr();
  spawn(SpawnOptions{.name = "loud"}, [] { throw TestError(); }).join();
  const std::string said = ::testing::internal::GetCapturedStderr();
  EXPECT_NE(said.find("loud"), std::string::npos) << said;
  EXPECT_NE(said.find("test error"), std::string::npos) << said;
  EXPECT_EQ(std::count(said.begin(), said.end(), '\n'), 1) << said;
}

// -- dump ----------------------------------------------------------------------------------------

// pitfall 27
TEST_F(HubItself, dump_tells_who_lives_and_what_each_waits_for) {
  Event never;
  Queue<int> queue;
  auto a = spawn(SpawnOptions{.name = "waits-for-event"}, [&] { never.wait(); });
  auto b = spawn(SpawnOptions{.name = "waits-for-item"}, [&] { queue.get(); });
  auto c = spawn(SpawnOptions{.name = "ended"}, [] {});
  c.join();
  settle();
  std::ostringstream out;
  Hub::current().dump(out);
  std::istringstream lines(out.str());
  std::string of_a;
  std::string of_b;
  for (std::string line; std::getline(lines, line);) {
    if (line.find("waits-for-event") != std::string::npos)
      of_a = line;
    if (line.find("waits-for-item") != std::string::npos)
      of_b = line;
  }
  EXPECT_NE(of_a.find("Event.wait"), std::string::npos) << out.str();
  EXPECT_NE(of_a.find("greenlet"), std::string::npos) << out.str();
  EXPECT_NE(of_a.find(std::to_string(a.id())), std::string::npos) << out.str();
  EXPECT_NE(of_b.find("Queue.get"), std::string::npos) << out.str();
  EXPECT_EQ(out.str().find("ended"), std::string::npos) << out.str();
  kill_all({a, b});
}

TEST_F(HubItself, stats_count_the_living) {
  const auto before = Hub::current().stats().living;
  Event go_on;
  auto a = spawn([&] { go_on.wait(); });
  auto b = spawn([&] { go_on.wait(); });
  yield();
  EXPECT_EQ(Hub::current().stats().living, before + 2);
  go_on.set();
  join_all({a, b});
  EXPECT_EQ(Hub::current().stats().living, before);
}

} // namespace
} // namespace grove::test
