// SPDX-License-Identifier: MIT
// dump(), back traces of parked greenlets, the text of a Deadlock, Stats.
#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <mutex>
#include <sstream>
#include <string>
#include <vector>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <grove/hub/dump.hpp>
#include <grove/hub/event.hpp>
#include <grove/hub/hub_thread.hpp>
#include <grove/hub/join.hpp>
#include <grove/hub/mutex.hpp>
#include <grove/hub/pipe.hpp>
#include <grove/hub/queue.hpp>
#include <grove/hub/simulation.hpp>
#include <grove/hub/timeout.hpp>
#include <grove/hub/tree_local.hpp>

#include <grove/hub/detail/wait.hpp>
#include <grove/hub/detail/waker_hint.hpp>

#include "../support/hub_test.hpp"

namespace grove::test {

// Not in the anonymous namespace: a name that a back trace can be searched for.
[[gnu::noinline]] void wait_far_below(Event& event, int depth) {
  if (depth > 0)
    wait_far_below(event, depth - 1);
  else
    event.wait();
  asm volatile("" ::: "memory"); // no tail call: the frame stays
}

namespace {

class Dump : public HubTest {};

std::string dumped() {
  std::ostringstream out;
  dump(out);
  return out.str();
}

// The line that tells of `name`, and the lines below it up to the next greenlet's.
std::string entry_of(const std::string& all, const std::string& name) {
  const auto found = all.find(" " + name + " (");
  if (found == std::string::npos)
    return {};
  std::size_t end = all.find('\n', found);
  while (end != std::string::npos && all.compare(end + 1, 4, "    ") == 0)
    end = all.find('\n', end + 1);
  return all.substr(all.rfind('\n', found) + 1, end - all.rfind('\n', found));
}

std::size_t count(const std::string& text, const std::string& what) {
  std::size_t n = 0;
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + 1))
    ++n;
  return n;
}

// How far its line is indented.
std::size_t column_of(const std::string& name, const std::string& all) {
  const auto line = all.rfind('\n', all.find(" " + name + " (")) + 1;
  return all.find_first_not_of(' ', line) - line;
}

// pitfall 27
TEST_F(Dump, shows_where_each_parked_greenlet_stands) {
  Event never;
  auto deep = spawn(SpawnOptions{.name = "deep"}, [&] { wait_far_below(never, 5); });
  auto shallow = spawn(SpawnOptions{.name = "shallow"}, [&] { wait_far_below(never, 0); });
  settle();
  const std::string all = dumped();
  EXPECT_EQ(count(entry_of(all, "deep"), "grove::test::wait_far_below"), 6u) << all;
  EXPECT_EQ(count(entry_of(all, "shallow"), "grove::test::wait_far_below"), 1u) << all;
  for (const char* inner : {"grove::detail::park", "grove::detail::visit", "stack_main"})
    EXPECT_EQ(count(all, inner), 0u) << all;
  kill_all({deep, shallow});
}

TEST_F(Dump, leaves_everybody_as_it_was) {
  Event event;
  Queue<int> queue;
  Log log;
  auto a = spawn([&] {
    event.wait();
    log.push_back("a");
  });
  auto b = spawn([&] { log.push_back(std::to_string(queue.get())); });
  auto c = spawn([&] {
    if (!event.wait(Deadline(1ms)))
      log.push_back("timeout");
  });
  settle();
  const std::size_t lines = count(dumped(), "\n");
  for (int i = 0; i < 10; ++i)
    EXPECT_EQ(count(dumped(), "\n"), lines); // times and counters go on
  c.join();
  event.set();
  queue.put(7);
  join_all({a, b});
  EXPECT_EQ(log, (Log{"timeout", "a", "7"}));
}

TEST_F(Dump, a_looked_at_greenlet_is_killed_and_timed_out_like_any) {
  Event never;
  std::string ended;
  auto a = spawn([&] {
    try {
      never.wait();
    } catch (const GreenletExit&) {
      ended += "killed ";
    }
  });
  auto b = spawn([&] {
    Timeout scope(1ms);
    try {
      never.wait();
    } catch (const TimeoutExpired& e) {
      ended += scope.is(e) ? "expired " : "wrong ";
    }
  });
  settle();
  dumped();
  a.kill();
  dumped();
  b.join();
  EXPECT_EQ(ended, "killed expired ");
}

TEST_F(Dump, what_was_granted_before_a_kill_is_kept_by_one_that_was_looked_at) {
  Queue<int> queue;
  int got = 0;
  auto g = spawn([&] { got = queue.get(); });
  settle();
  dumped();
  queue.put(3);
  g.kill_nowait(); // too late for this wait
  g.join();
  EXPECT_EQ(got, 3);
}

TEST_F(Dump, looks_at_greenlets_that_wait_while_they_unwind_or_catch) {
  Event go_on;
  int alive = 0;
  auto unwinding = spawn(SpawnOptions{.name = "unwinding"}, [&] {
    try {
      AtExit wait([&] { wait_far_below(go_on, 0); });
      throw TestError(1);
    } catch (const TestError& e) {
      alive += e.number;
    }
  });
  auto catching = spawn(SpawnOptions{.name = "catching"}, [&] {
    try {
      throw TestError(10);
    } catch (const TestError&) {
      wait_far_below(go_on, 0);
      try {
        throw;
      } catch (const TestError& e) {
        alive += e.number;
      }
    }
  });
  settle();
  const std::string all = dumped();
  EXPECT_EQ(count(entry_of(all, "unwinding"), "wait_far_below"), 1u) << all;
  EXPECT_EQ(count(entry_of(all, "catching"), "wait_far_below"), 1u) << all;
  go_on.set();
  join_all({unwinding, catching});
  EXPECT_EQ(alive, 11);
}

TEST_F(Dump, may_be_called_by_a_greenlet_and_shows_main) {
  std::string all;
  spawn(SpawnOptions{.name = "looks"}, [&] { all = dumped(); }).join();
  EXPECT_NE(all.find("0 main (main): waits in join, for the end of looks"), std::string::npos)
      << all;
  EXPECT_NE(all.find("looks (greenlet): is running"), std::string::npos) << all;
}

TEST_F(Dump, tells_who_is_joined_and_who_holds_what_is_waited_for) {
  Event never;
  auto target = spawn(SpawnOptions{.name = "target"}, [&] { never.wait(); });
  auto joiner = spawn(SpawnOptions{.name = "joiner"}, [&] { target.join(); });
  auto hinting = spawn(SpawnOptions{.name = "hinting"}, [&] {
    const detail::WakerHint hint("held by", &target, [](const void* object) {
      detail::Identity* self = static_cast<const GreenletRef<>*>(object)->identity();
      return detail::IdentityRef{self, self->generation};
    });
    never.wait();
  });
  settle();
  const std::string all = dumped();
  EXPECT_NE(all.find("joiner (greenlet): waits in join, for the end of target"), std::string::npos)
      << all;
  EXPECT_NE(all.find("hinting (greenlet): waits in Event.wait, held by target"), std::string::npos)
      << all;
  kill_all({hinting, joiner, target});
}

TEST_F(Dump, tells_who_holds_a_mutex_and_who_spawned_whom) {
  Mutex mutex;
  Event never;
  auto holder = spawn(SpawnOptions{.name = "holder"}, [&] {
    const std::lock_guard lock(mutex);
    auto child = spawn(SpawnOptions{.name = "child"}, [&] { mutex.lock(); });
    never.wait();
  });
  settle();
  const std::string all = dumped();
  EXPECT_NE(all.find("child (greenlet): waits in Mutex.lock, held by holder"), std::string::npos)
      << all;
  EXPECT_EQ(column_of("child", all), column_of("holder", all) + 2) << all;
  holder.kill();
  settle();
}

// gevent M12
TEST_F(Dump, a_parent_that_has_ended_is_shown_while_there_is_a_handle_to_it) {
  Event never;
  GreenletRef<> child;
  auto grandparent = spawn(SpawnOptions{.name = "grandparent"}, [&] {
    return spawn(SpawnOptions{.name = "parent"},
                 [&] { child = spawn(SpawnOptions{.name = "child"}, [&] { never.wait(); }); });
  });
  GreenletRef<> parent = grandparent.get();
  parent.join();
  auto childless = spawn(SpawnOptions{.name = "childless"}, [] {});
  childless.join();
  std::string all = dumped();
  EXPECT_EQ(column_of("grandparent", all), 2u) << all << "below main";
  EXPECT_EQ(column_of("parent", all), 4u) << all;
  EXPECT_EQ(column_of("child", all), 6u) << all;
  EXPECT_NE(all.find("parent (greenlet): has ended\n"), std::string::npos) << all;
  EXPECT_EQ(all.find("childless"), std::string::npos) << all;
  parent = {};
  grandparent = {};
  all = dumped();
  EXPECT_EQ(column_of("child", all), 0u) << all;
  EXPECT_EQ(all.find("parent (greenlet)"), std::string::npos) << all;
  child.kill();
}

struct Request {};

// gevent M12
TEST_F(Dump, tells_what_types_of_values_a_tree_shares_with_the_first_of_it) {
  TreeLocal<Request> request;
  TreeLocal<int> count;
  Event never;
  auto root = spawn(SpawnOptions{.name = "root"}, [&] {
    request.get();
    count.get();
    auto child = spawn(SpawnOptions{.name = "child"}, [&] { never.wait(); });
    never.wait();
  });
  auto other = spawn(SpawnOptions{.name = "other"}, [&] { never.wait(); });
  settle();
  const std::string all = dumped();
  EXPECT_NE(entry_of(all, "root").find("; tree locals: Request, int;"), std::string::npos) << all;
  EXPECT_EQ(::grove::test::count(all, "tree locals"), 1u) << all;
  root.kill();
  other.kill();
  settle();
  never.set();
}

TEST_F(Dump, tells_how_much_of_each_stack_is_used) {
  Event never;
  auto large = spawn(SpawnOptions{.name = "large", .stack_size = 512 * 1024}, [&] {
    char room[200 * 1024];
    room[0] = 1; // its lowest byte
    asm volatile("" : : "r"(room) : "memory");
    never.wait();
    asm volatile("" : : "r"(room) : "memory");
  });
  settle();
  const std::string entry = entry_of(dumped(), "large");
  std::size_t in_use = 0;
  std::size_t touched = 0;
  std::size_t usable = 0;
  ASSERT_EQ(std::sscanf(entry.substr(entry.find("stack:")).c_str(),
                        "stack: %zu bytes in use, %zu of %zu KiB touched", &in_use, &touched,
                        &usable),
            3)
      << entry;
  EXPECT_GE(in_use, 200u * 1024);
  EXPECT_LT(in_use, 512u * 1024);
  EXPECT_GE(touched, 200u);
  EXPECT_EQ(usable, 512u);
  EXPECT_GE(Hub::current().stats().stack_peak, 200u * 1024);
  large.kill();
}

TEST_F(Dump, a_stack_that_is_nearly_full_is_not_looked_into) {
  Event go;
  auto g = spawn(SpawnOptions{.name = "full", .stack_size = 512 * 1024}, [&] {
    const auto* context = detail::here().context;
    const auto here = static_cast<const char*>(__builtin_frame_address(0));
    auto* room = static_cast<volatile char*>(
        __builtin_alloca(static_cast<std::size_t>(here - context->limit) - 5 * 1024));
    room[0] = 1;
    go.wait();
    room[1] = 1;
  });
  if (sanitized) {
    g.kill();
    GTEST_SKIP() << "frames are too large there";
  }
  settle();
  const std::string entry = entry_of(dumped(), "full");
  EXPECT_NE(entry.find("too full"), std::string::npos) << entry;
  go.set(); // what a kill throws would not find room there either
  g.get();
}

TEST_F(Dump, tells_for_how_long_each_waits) {
  const Simulation simulation(1); // for hours, exactly
  Event never;
  sleep(1ms); // a wait begins at the time of the last poll: that was before the simulation
  auto first = spawn(SpawnOptions{.name = "first"}, [&] { never.wait(); });
  yield();
  sleep(std::chrono::hours(1));
  auto second = spawn(SpawnOptions{.name = "second"}, [&] { never.wait(); });
  yield();
  sleep(1500ms);
  const std::string all = dumped();
  EXPECT_NE(entry_of(all, "first").find("Event.wait; for 3601.500 s"), std::string::npos) << all;
  EXPECT_NE(entry_of(all, "second").find("Event.wait; for 1.500 s"), std::string::npos) << all;
  kill_all({first, second});
}

TEST_F(Dump, works_from_the_smallest_stack_for_the_smallest_stack) {
  if (sanitized)
    GTEST_SKIP() << "frames are too large there";
  Event never;
  auto parked = spawn(SpawnOptions{.name = "small", .stack_size = 1}, [&] { never.wait(); });
  settle();
  std::string all;
  spawn(SpawnOptions{.stack_size = 1}, [&] { all = dumped(); }).join();
  EXPECT_NE(entry_of(all, "small").find("#0 "), std::string::npos) << all;
  parked.kill();
}

TEST_F(Dump, of_another_hub_is_made_there) {
  HubThread other;
  Event* never = nullptr;
  std::string all;
  other.call([&] {
    Event event;
    never = &event;
    auto g = spawn(SpawnOptions{.name = "there"}, [&] { event.wait(); });
    settle();
    all = dumped();
    g.kill();
  });
  EXPECT_NE(all.find("there (greenlet): waits in Event.wait"), std::string::npos) << all;
}

TEST_F(Dump, a_signal_from_outside_has_it_written_to_stderr_each_time) {
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  const pid_t child = fork();
  if (child == 0) {
    dup2(ends[1], STDERR_FILENO);
    const SignalWatch watch = dump_on_signal();
    Event never;
    auto stuck = spawn(SpawnOptions{.name = "stuck"}, [&] { wait_far_below(never, 1); });
    yield();
    std::fputs("ready", stderr);
    sleep(std::chrono::hours(1));
    _exit(1);
  }
  close(ends[1]);
  PipeReader err(ends[0]);
  std::string seen;
  const auto read_until = [&](auto done) {
    while (!done()) {
      char block[4096];
      const std::size_t got = err.read(block);
      if (got == 0)
        throw TestError(1); // the child has died
      seen.append(block, got);
    }
  };
  read_until([&] { return seen == "ready"; });
  for (int round = 0; round < 2; ++round) {
    seen.clear();
    kill(child, SIGUSR1);
    read_until([&] {
      return count(seen, "grove: SIGUSR1, a dump:\n") == 1 &&
             count(seen, "stuck (greenlet): waits in Event.wait") == 1 &&
             count(seen, "grove::test::wait_far_below") == 2 &&
             count(seen, "SIGUSR1 (greenlet): is running") == 1 && seen.back() == '\n';
    });
  }
  kill(child, SIGKILL);
  EXPECT_EQ(waitpid(child, nullptr, 0), child);
}

TEST_F(Dump, the_watch_of_its_signal_is_one_like_any) {
  const SignalWatch watch = dump_on_signal(SIGUSR2);
  EXPECT_EQ(watch.signal(), SIGUSR2);
  EXPECT_THROW((void)dump_on_signal(SIGKILL), std::invalid_argument);
}

// -- deadlock ------------------------------------------------------------------------------------

TEST_F(Dump, a_deadlock_names_each_with_its_stack_and_who_could_wake_it) {
  Event never;
  auto a = spawn(SpawnOptions{.name = "stuck"}, [&] { wait_far_below(never, 2); });
  auto b = spawn(SpawnOptions{.name = "joins-stuck"}, [&] { a.join(); });
  try {
    b.join();
    ADD_FAILURE() << "nothing was thrown";
  } catch (const Deadlock& e) {
    const std::string what = e.what();
    EXPECT_EQ(count(what, "wait_far_below"), 3u) << what;
    EXPECT_NE(what.find("joins-stuck (greenlet): waits in join, for the end of stuck"),
              std::string::npos)
        << what;
    EXPECT_NE(what.find("0 main (main)"), std::string::npos) << what;
  }
  kill_all({a, b});
}

TEST_F(Dump, a_deadlock_of_many_names_a_hundred) {
  Event never;
  std::vector<GreenletRef<>> all;
  for (int i = 0; i < 130; ++i)
    all.push_back(spawn([&] { never.wait(); }));
  try {
    never.wait();
    ADD_FAILURE() << "nothing was thrown";
  } catch (const Deadlock& e) {
    const std::string what = e.what();
    EXPECT_EQ(count(what, "(greenlet): waits in Event.wait"), 100u);
    EXPECT_NE(what.find("... and 30 more"), std::string::npos) << what;
  }
  kill_all(all);
}

TEST_F(Dump, a_deadlock_that_main_cannot_be_told_of_ends_the_process_with_the_same_text) {
  ::testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_EXIT(
      {
        Event never;
        auto g = spawn(SpawnOptions{.name = "stuck"}, [&] {
          yield();
          wait_far_below(never, 0); // the last to park: it is found on this stack
        });
        const Shield shield;
        g.join();
      },
      ::testing::KilledBySignal(SIGABRT), "stuck \\(greenlet\\): waits in Event.wait.*\n.*#0");
}

// -- counters ------------------------------------------------------------------------------------

TEST_F(Dump, stats_count_dispatches_and_spawns) {
  const auto before = Hub::current().stats();
  auto g = spawn([] {
    for (int i = 0; i < 1000; ++i)
      yield();
  });
  g.join();
  const auto after = Hub::current().stats();
  EXPECT_EQ(after.spawned - before.spawned, 1u);
  EXPECT_EQ(after.dispatches - before.dispatches, 1002u) << "main's wait, 1000 yields, the end";
}

TEST_F(Dump, stats_count_sleeps_and_those_that_another_thread_has_ended) {
  const auto before = Hub::current().stats();
  sleep(1ms);
  const auto slept = Hub::current().stats();
  EXPECT_GE(slept.sleeps, before.sleeps + 1);
  EXPECT_EQ(slept.wake_ups, before.wake_ups);
  HubThread other;
  for (int i = 0; i < 3; ++i)
    other.call([] { sleep(1ms); });
  const auto woken = Hub::current().stats();
  EXPECT_GE(woken.wake_ups, before.wake_ups + 3);
  EXPECT_GE(woken.sleeps, woken.wake_ups);
}

} // namespace
} // namespace grove::test
