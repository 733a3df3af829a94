// SPDX-License-Identifier: MIT
// ActorSystem: where actors go, and how all of them end.
#include <grove/actors.hpp>

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>

#include "support/hub_test.hpp"

namespace grove::test {
namespace {

using namespace std::chrono_literals;

struct Where {};
struct Note {
  int number = 0;
};

// What has happened on any hub, in its order.
class Journal {
public:
  void write(std::string line) {
    const std::lock_guard lock(mutex_);
    lines_.push_back(std::move(line));
  }
  std::vector<std::string> lines() {
    const std::lock_guard lock(mutex_);
    return lines_;
  }

private:
  std::mutex mutex_;
  std::vector<std::string> lines_;
};

class Resident : public Actor {
public:
  explicit Resident(Journal* journal = nullptr, std::string name = {})
      : journal_(journal), name_(std::move(name)) {}
  std::uint16_t receive(const Where&) { return Hub::current().index(); }
  void receive(const Note& note) {
    yield();
    if (journal_ != nullptr)
      journal_->write(name_ + " " + std::to_string(note.number));
  }
  void on_stop(const ExitReason& reason) override {
    if (journal_ != nullptr)
      journal_->write(name_ + " " + reason.what());
  }

private:
  Journal* journal_;
  std::string name_;
};

class ActorSystemTest : public HubTest {};

std::uint16_t home_of(const ActorRef<Resident>& actor) { return actor.ask(Where{}); }

// -- places --------------------------------------------------------------------------------------

TEST_F(ActorSystemTest, has_as_many_hubs_as_it_was_told_the_first_being_this_one) {
  ActorSystem system({.hubs = 3});
  EXPECT_EQ(system.hubs(), 3);
  EXPECT_EQ(&system.hub(0), &Hub::current());
  EXPECT_NE(&system.hub(1), &system.hub(2));
  EXPECT_THROW((void)system.hub(3), std::out_of_range);
}

TEST_F(ActorSystemTest, spawns_on_one_hub_after_the_other) {
  ActorSystem system({.hubs = 3});
  std::map<std::uint16_t, int> count;
  for (int i = 0; i < 9; ++i)
    ++count[home_of(system.spawn<Resident>())];
  EXPECT_EQ(count.size(), 3);
  for (const auto& [hub, residents] : count)
    EXPECT_EQ(residents, 3);
}

TEST_F(ActorSystemTest, places_say_where) {
  ActorSystem system({.hubs = 3});
  for (std::size_t i = 0; i < 3; ++i) {
    const auto one = system.spawn<Resident>(Place::on(i));
    EXPECT_EQ(home_of(one), system.hub(i).index());
    EXPECT_EQ(home_of(system.spawn<Resident>(Place::beside(one))), system.hub(i).index());
    EXPECT_EQ(system.call(i, [&] { return home_of(system.spawn<Resident>(Place::here())); }),
              system.hub(i).index());
  }
  EXPECT_THROW(system.spawn<Resident>(Place::on(3)), std::out_of_range);
  EXPECT_THROW(system.spawn<Resident>(Place::beside(ActorRef<Resident>())), std::logic_error);
  HubThread stranger;
  const auto strange = stranger.call([] { return spawn<Resident>(); });
  EXPECT_THROW(system.spawn<Resident>(Place::beside(strange)), std::logic_error);
  stranger.call([&] { EXPECT_THROW(system.spawn<Resident>(Place::here()), std::logic_error); });
  strange.kill();
}

TEST_F(ActorSystemTest, the_same_key_means_the_same_hub_and_keys_are_spread) {
  ActorSystem system({.hubs = 2});
  std::map<std::uint16_t, int> count;
  for (int key = 0; key < 64; ++key) {
    const auto home = home_of(system.spawn<Resident>(Place::keyed(std::to_string(key))));
    EXPECT_EQ(home_of(system.spawn<Resident>(Place::keyed(std::to_string(key)))), home);
    ++count[home];
  }
  EXPECT_EQ(count.size(), 2);
}

class Fails : public Actor {
public:
  void on_start() override { throw std::runtime_error("not today"); }
};

TEST_F(ActorSystemTest, a_start_that_fails_elsewhere_is_thrown_here) {
  ActorSystem system({.hubs = 2});
  try {
    system.spawn<Fails>(Place::on(1));
    FAIL() << "it has started";
  } catch (const std::runtime_error& error) {
    EXPECT_STREQ(error.what(), "not today");
  }
}

TEST_F(ActorSystemTest, any_thread_may_spawn_and_options_are_kept) {
  ActorSystem system({.hubs = 2});
  ActorRef<Resident> made;
  std::thread foreign(
      [&] { made = system.spawn<Resident>(Place::on(1), ActorOptions{.inbox = {.capacity = 7}}); });
  foreign.join();
  const auto all = system.snapshot();
  const auto info = std::find_if(all.actors.begin(), all.actors.end(), [&](const ActorInfo& one) {
    return one.actor == ActorRef<Actor>(made);
  });
  ASSERT_NE(info, all.actors.end());
  EXPECT_EQ(info->capacity, 7);
  EXPECT_EQ(info->hub, system.hub(1).index());
}

TEST_F(ActorSystemTest, a_snapshot_is_of_all_hubs) {
  ActorSystem system({.hubs = 2});
  for (std::size_t i = 0; i < 2; ++i) {
    for (int k = 0; k < 3; ++k)
      system.spawn<Resident>(Place::on(i)).ask(Where{});
  }
  const ActorSnapshot all = system.snapshot();
  EXPECT_EQ(all.actors.size(), 6);
  const auto residents =
      std::find_if(all.classes.begin(), all.classes.end(), [](const ActorClassInfo& info) {
        return std::string_view(info.type) == "Resident";
      });
  ASSERT_NE(residents, all.classes.end());
  EXPECT_EQ(residents->living, 6);
  EXPECT_GE(residents->messages, 6);
}

TEST_F(ActorSystemTest, pinned_hubs_stay_on_a_processor_of_their_own_and_main_is_set_free) {
  const auto usable = [] {
    cpu_set_t set;
    CPU_ZERO(&set);
    sched_getaffinity(0, sizeof set, &set);
    return set;
  };
  const cpu_set_t before = usable();
  const auto processors = static_cast<std::size_t>(CPU_COUNT(&before));
  {
    ActorSystem system({.hubs = 2, .pin = true});
    const cpu_set_t first = usable();
    const cpu_set_t second = system.call(1, usable);
    EXPECT_EQ(CPU_COUNT(&first), 1);
    EXPECT_EQ(CPU_COUNT(&second), 1);
    EXPECT_EQ(CPU_EQUAL(&first, &second) == 0, processors > 1);
  }
  const cpu_set_t after = usable();
  EXPECT_TRUE(CPU_EQUAL(&before, &after));
}

TEST_F(ActorSystemTest, without_a_number_there_is_a_hub_for_each_processor) {
  cpu_set_t set;
  CPU_ZERO(&set);
  sched_getaffinity(0, sizeof set, &set);
  const ActorSystem system;
  EXPECT_EQ(system.hubs(), static_cast<std::size_t>(CPU_COUNT(&set)));
}

TEST_F(ActorSystemTest, options_that_make_no_sense_are_refused) {
  EXPECT_THROW(ActorSystem({.hubs = 256}), std::invalid_argument);
  EXPECT_THROW(ActorSystem({.hubs = 1, .grace = -1s}), std::invalid_argument);
  EXPECT_THROW((void)Place::anywhere().in_phase(-1), std::invalid_argument);
}

// -- sleep ---------------------------------------------------------------------------------------

TEST_F(ActorSystemTest, an_idle_system_does_not_wake_up) {
  ActorSystem system({.hubs = 2});
  std::vector<ActorRef<Resident>> all;
  for (int i = 0; i < 100; ++i)
    all.push_back(system.spawn<Resident>());
  for (const auto& one : all)
    one.ask(Where{});
  const auto sleeps = [&] { return system.call(1, [] { return Hub::current().stats().sleeps; }); };
  const auto before = sleeps();
  sleep(500ms); // one that looks around ten times a second would be found out
  // It fell asleep behind the first call, and perhaps between the second and its answer.
  EXPECT_LE(sleeps() - before, 2);
}

class Busy : public Actor {
public:
  struct Hold {
    std::atomic<bool>* held;
    std::atomic<bool>* release;
  };
  void receive(const Hold& hold) {
    before_ = Hub::current().stats().wake_ups;
    *hold.held = true;
    while (!*hold.release)
      std::this_thread::yield();
  }
  void receive(const Note&) { ++notes_; }
  // Messages and wake-ups since the hold.
  std::pair<int, std::uint64_t> receive(const Where&) {
    return {notes_, Hub::current().stats().wake_ups - before_};
  }

private:
  std::uint64_t before_ = 0;
  int notes_ = 0;
};

TEST_F(ActorSystemTest, a_hub_that_is_awake_is_sent_messages_without_a_wake_up) {
  ActorSystem system({.hubs = 2});
  const auto far = system.spawn<Busy>(Place::on(1));
  std::atomic<bool> held = false;
  std::atomic<bool> release = false;
  far.tell(Busy::Hold{&held, &release});
  while (!held)
    std::this_thread::yield();
  for (int i = 0; i < 1000; ++i)
    far.tell(Note{i});
  const auto seen = far.ask_async(Where{});
  release = true;
  EXPECT_EQ(seen.get(), std::pair(1000, std::uint64_t{0}));
}

// -- shutdown ------------------------------------------------------------------------------------

TEST_F(ActorSystemTest, shutdown_lets_what_was_sent_be_handled_and_gives_the_reason) {
  Journal journal;
  ActorSystem system({.hubs = 2});
  const auto near = system.spawn<Resident>(Place::on(0), &journal, "near");
  const auto far = system.spawn<Resident>(Place::on(1), &journal, "far");
  for (int i = 0; i < 3; ++i) {
    near.tell(Note{i});
    far.tell(Note{i});
  }
  const ShutdownReport report = system.shutdown();
  EXPECT_TRUE(report.clean());
  EXPECT_EQ(report.told, 2);
  const auto lines = journal.lines();
  const auto of = [&](const std::string& who) {
    std::vector<std::string> mine;
    std::copy_if(lines.begin(), lines.end(), std::back_inserter(mine),
                 [&](const std::string& line) { return line.rfind(who, 0) == 0; });
    return mine;
  };
  EXPECT_THAT(of("near"), testing::ElementsAre("near 0", "near 1", "near 2", "near shut down"));
  EXPECT_THAT(of("far"), testing::ElementsAre("far 0", "far 1", "far 2", "far shut down"));
  EXPECT_THROW(far.ask(Where{}), ActorDown);
  EXPECT_THROW(system.spawn<Resident>(), Closed);
  EXPECT_EQ(system.shutdown().told, 0);
}

// actors 174
TEST_F(ActorSystemTest, phases_end_from_the_highest_down) {
  Journal journal;
  {
    ActorSystem system({.hubs = 2});
    system.spawn<Resident>(Place::on(0), &journal, "store");
    system.spawn<Resident>(Place::on(1).in_phase(1), &journal, "logic");
    system.spawn<Resident>(Place::on(0).in_phase(1), &journal, "logic");
    system.spawn<Resident>(Place::on(1).in_phase(2), &journal, "front");
  }
  EXPECT_THAT(journal.lines(), testing::ElementsAre("front shut down", "logic shut down",
                                                    "logic shut down", "store shut down"));
}

class Stubborn : public Actor {
public:
  explicit Stubborn(int kills) : kills_(kills) {}
  struct Hang {};
  void receive(const Hang&) {
    for (;;) {
      try {
        Event never;
        never.wait();
      } catch (const GreenletExit&) {
        if (kills_-- == 0)
          throw;
      }
    }
  }

private:
  int kills_;
};

TEST_F(ActorSystemTest, who_does_not_end_in_time_is_reported_and_killed) {
  ActorSystem system({.hubs = 2, .grace = 50ms});
  const auto hangs = system.spawn<Stubborn>(Place::on(1), 0);
  hangs.tell(Stubborn::Hang{});
  hangs.tell(Stubborn::Hang{});
  const auto declines = system.spawn<Stubborn>(Place::on(1).in_phase(3), 1);
  declines.tell(Stubborn::Hang{});
  const auto good = system.spawn<Resident>(Place::on(1));
  good.ask(Where{});
  const std::uint16_t hub = system.hub(1).index();
  const ShutdownReport report = system.shutdown();
  ASSERT_EQ(report.survivors.size(), 2);
  const auto& first = report.survivors[0];
  EXPECT_EQ(first.actor, ActorRef<Actor>(declines));
  EXPECT_EQ(first.phase, 3);
  EXPECT_TRUE(first.declined);
  const auto& second = report.survivors[1];
  EXPECT_EQ(second.actor, ActorRef<Actor>(hangs));
  EXPECT_STREQ(second.type, "Stubborn");
  EXPECT_EQ(second.hub, hub);
  EXPECT_EQ(second.phase, 0);
  EXPECT_EQ(second.activity, "Stubborn.receive(Hang) waits in Event.wait");
  EXPECT_EQ(second.inbox, 2); // the other one, and that it is to end
  EXPECT_FALSE(second.declined);
}

TEST_F(ActorSystemTest, supervised_children_end_with_their_supervisor_and_are_not_started_again) {
  Journal journal;
  {
    ActorSystem system({.hubs = 2});
    const auto supervisor = system.spawn<Supervisor>(Place::on(1), SupervisorOptions{});
    add_child<Resident>(supervisor, {.id = "a"}, &journal, std::string("a"));
    add_child<Resident>(supervisor, {.id = "b"}, &journal, std::string("b"));
    EXPECT_TRUE(system.shutdown().clean());
  }
  EXPECT_THAT(journal.lines(), testing::ElementsAre("b shut down", "a shut down"));
}

class Heir : public Actor {
public:
  explicit Heir(Journal* journal) : journal_(journal) {}
  void on_stop(const ExitReason&) override { spawn<Resident>(journal_, "heir"); }

private:
  Journal* journal_;
};

TEST_F(ActorSystemTest, what_is_spawned_during_the_shutdown_ends_too) {
  Journal journal;
  ActorSystem system({.hubs = 2});
  system.spawn<Heir>(Place::on(1), &journal);
  EXPECT_EQ(system.shutdown().told, 2);
  EXPECT_THAT(journal.lines(), testing::ElementsAre("heir shut down"));
}

class Ender : public Actor {
public:
  struct End {
    ActorSystem* system;
  };
  void receive(const End& end) { end.system->shutdown(); }
};

TEST_F(ActorSystemTest, an_actor_cannot_shut_down_its_own_system) {
  ActorSystem system({.hubs = 2});
  Hub::current().on_error([](const UnhandledError&) {});
  EXPECT_THROW(system.spawn<Ender>(Place::on(0)).ask(Ender::End{&system}), std::logic_error);
  system.call(1, [&] { EXPECT_THROW(system.shutdown(), std::logic_error); });
}

TEST_F(ActorSystemTest, the_destructor_logs_who_had_to_be_killed) {
  std::string text;
  set_log_sink([&](LogLevel, std::string_view line) { text += line; });
  {
    ActorSystem system({.hubs = 2, .grace = 20ms});
    const auto hangs = system.spawn<Stubborn>(Place::on(1), 0);
    hangs.tell(Stubborn::Hang{});
  }
  set_log_sink({});
  EXPECT_THAT(
      text, testing::HasSubstr("had not ended in time: Stubborn.receive(Hang) waits in Event.wait; "
                               "it was killed"));
}

TEST_F(ActorSystemTest, a_timeout_of_who_shuts_down_comes_after_it) {
  Journal journal;
  ActorSystem system({.hubs = 2});
  system.spawn<Resident>(Place::on(1), &journal, "far");
  bool expired = false;
  try {
    const Timeout limit(1ns);
    system.shutdown();
    yield();
  } catch (const TimeoutExpired&) {
    expired = true;
  }
  EXPECT_TRUE(expired);
  EXPECT_THAT(journal.lines(), testing::ElementsAre("far shut down"));
}

} // namespace
} // namespace grove::test
