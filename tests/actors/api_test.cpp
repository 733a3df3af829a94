// SPDX-License-Identifier: MIT
// References to Apis: made from classes, narrowed, used like any other, found at run time.
#include <chrono>
#include <functional>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <tuple>
#include <unordered_set>
#include <vector>

#include <grove/actors.hpp>
#include <grove/hub/hub_thread.hpp>
#include <grove/hub/join.hpp>
#include <grove/hub/simulation.hpp>
#include <grove/hub/timeout.hpp>

#include "../support/hub_test.hpp"

namespace grove::test {
namespace {

class ApiTest : public HubTest {};

struct Ping {
  int number;
};
struct Pong {
  int number;
};
struct Note {
  std::string text;
};
struct Load {
  std::unique_ptr<int> what;
};
struct Fail {};
struct Later {};
struct Pass {};

using PongApi = Api<Pong(Ping), void(Note), int(Load)>;

class Ponger : public Actor {
public:
  using Api = PongApi;
  explicit Ponger(Log& log) : log_(&log) {}
  Pong receive(const Ping& ping) { return {ping.number + 1}; }
  void receive(Note note) { log_->push_back(std::move(note.text)); }
  int receive(Load&& load) noexcept { return *load.what; }

private:
  Log* log_;
};

// Of the same Api, in its own way, and more.
class Doubler : public Actor {
public:
  Pong receive(const Ping& ping) const { return {ping.number * 2}; }
  void receive(const Note&) {}
  int receive(Load load) { return *load.what * 2; }
  void receive(const Fail&) { throw std::runtime_error("as it was told"); }
  AsyncResult<int> receive(const Later&) { return promised_; }
  Forward<Pong> receive(const Pass&) { return forward(next, Ping{20}); }
  ActorRef<grove::Api<Pong(Ping)>> next;

private:
  AsyncResult<int> promised_;
};

static_assert(sizeof(ActorRef<Ponger>) == 2 * sizeof(void*));
static_assert(sizeof(ActorRef<PongApi>) == 3 * sizeof(void*));
static_assert(std::is_trivially_copyable_v<ActorRef<PongApi>>);

static_assert(Implements<Ponger, PongApi> && Implements<Doubler, PongApi>);
static_assert(Implements<Doubler, Api<int(Later), Pong(Pass)>>, "the reply is what the asker gets");
static_assert(!Implements<Ponger, Api<void(Fail)>>, "no such message");
static_assert(!Implements<Ponger, Api<int(Ping)>>, "another reply");
static_assert(Implements<PongApi, Api<void(Note), Pong(Ping)>>);
static_assert(!Implements<Api<void(Note)>, PongApi>);
static_assert(!Implements<PongApi, Api<void(Ping)>>);

// actors 162, 168
TEST_F(ApiTest, any_class_that_receives_it_all_becomes_a_reference_to_the_api) {
  Log log;
  const auto ponger = spawn<Ponger>(log);
  const auto doubler = spawn<Doubler>();
  std::vector<ActorRef<PongApi>> all{ponger, doubler};
  EXPECT_EQ(all[0].ask(Ping{7}).number, 8);
  EXPECT_EQ(all[1].ask(Ping{7}).number, 14);
  EXPECT_EQ(all[1].ask(Load{std::make_unique<int>(3)}), 6);
  all[0].tell(Note{"told"});
  ponger.ask(Ping{0});
  EXPECT_EQ(log, Log{"told"});
  kill_all(all);
}

// actors 162
TEST_F(ApiTest, a_narrowed_reference_finds_the_handlers_of_the_wide_one) {
  Log log;
  const ActorRef<PongApi> wide = spawn<Ponger>(log);
  const ActorRef<Api<int(Load), Pong(Ping)>> two = wide; // at other places
  const ActorRef<Api<int(Load)>> one = two;
  const ActorRef<Api<>> none = one;
  EXPECT_EQ(two.ask(Ping{1}).number, 2);
  EXPECT_EQ(one.ask(Load{std::make_unique<int>(5)}), 5);
  EXPECT_EQ(none, wide);
  EXPECT_TRUE(none.kill());
  EXPECT_THROW(one.ask(Load{std::make_unique<int>(5)}), ActorDown);
}

TEST_F(ApiTest, every_way_to_send_works_through_it) {
  const Simulation simulation(1);
  Log log;
  const auto ponger = spawn<Ponger>(log);
  const ActorRef<PongApi> any = ponger;
  any.tell(Note{"ordinary"});
  any.tell(Note{"urgent"}, urgent);
  auto once = any.tell_after(2s, Note{"later"});
  auto ticks = any.tell_every(1500ms, Note{"tick"});
  sleep(4s);
  ticks.cancel();
  EXPECT_EQ(log, (Log{"urgent", "ordinary", "tick", "later", "tick"}));

  EXPECT_EQ(any.try_ask(Ping{1}).value().number, 2);
  EXPECT_EQ(any.ask_async(Ping{2}).get().number, 3);
  const auto [pong, load] =
      ask_all(1s, question(any, Ping{3}), question(any, Load{std::make_unique<int>(9)}));
  EXPECT_EQ(pong.number, 4);
  EXPECT_EQ(load, 9);
  EXPECT_EQ(ask_all(1s, std::vector{any, any}, Ping{4}).at(1).number, 5);
  any.stop();
  EXPECT_TRUE(any.join());
}

TEST_F(ApiTest, a_handler_forwards_to_it_and_an_asker_gets_what_comes_later) {
  class Front : public Actor {
  public:
    explicit Front(const ActorRef<Api<Pong(Ping)>>& to) : to_(to) {}
    Forward<Pong> receive(const Ping& ping) { return forward(to_, ping); }
    AsyncResult<Pong> receive(const Pass&) { return to_.ask_async(Ping{50}); }

  private:
    ActorRef<Api<Pong(Ping)>> to_;
  };
  const auto doubler = spawn<Doubler>();
  const ActorRef<Api<Pong(Ping), Pong(Pass)>> front = spawn<Front>(doubler);
  EXPECT_EQ(front.ask(Ping{4}).number, 8);
  EXPECT_EQ(front.ask(Pass{}).number, 100);
  doubler.kill();
  EXPECT_THROW(front.ask(Ping{4}), ActorDown);
  EXPECT_THROW(front.ask(Pass{}), ActorDown);
  front.kill();
}

TEST_F(ApiTest, errors_time_limits_and_kills_reach_the_asker_as_ever) {
  const Simulation simulation(1);
  const ErrorLog errors;
  const ActorRef<Api<void(Fail), int(Later)>> any = spawn<Doubler>();
  EXPECT_THROW(any.ask(Later{}, 10ms), AskTimeout);
  auto asker = spawn([&] { any.ask(Later{}); });
  settle();
  asker.kill();
  EXPECT_TRUE(asker.killed());
  EXPECT_THROW(
      {
        const Timeout limit(20ms);
        any.ask(Later{});
      },
      TimeoutExpired);
  EXPECT_EQ(any.try_ask(Later{}, 1ms).error(), AskError::timeout);
  EXPECT_THROW(any.ask(Fail{}), std::runtime_error);
  EXPECT_TRUE(any.join());
  EXPECT_EQ(errors.size(), 1u);
}

TEST_F(ApiTest, one_that_names_nobody_drops_and_answers_that) {
  const ActorRef<PongApi> nobody;
  const auto before = Hub::current().stats().dead_letters;
  nobody.tell(Note{"to nobody"});
  EXPECT_EQ(Hub::current().stats().dead_letters, before + 1);
  EXPECT_THROW(nobody.ask(Ping{1}), ActorDown);
  EXPECT_THROW(nobody.ask_async(Ping{1}).get(), ActorDown);
  EXPECT_EQ(nobody.try_ask(Load{std::make_unique<int>(1)}).error(), AskError::down);
  std::exception_ptr error;
  std::thread([&] {
    try {
      nobody.ask(Ping{1});
    } catch (...) {
      error = std::current_exception();
    }
  }).join();
  EXPECT_THROW(std::rethrow_exception(error), ActorDown);
  const ActorRef<Api<Pong(Ping)>> narrow = nobody;
  EXPECT_THROW(narrow.ask(Ping{1}), ActorDown);
  EXPECT_EQ(narrow, ActorRef<Actor>());
}

TEST_F(ApiTest, references_of_all_types_are_compared_and_hashed_by_the_actor) {
  Log log;
  const auto ponger = spawn<Ponger>(log);
  const auto doubler = spawn<Doubler>();
  const ActorRef<PongApi> any = ponger;
  const ActorRef<Api<Pong(Ping)>> narrow = any;
  EXPECT_TRUE(any == ponger && ponger == any && narrow == any && narrow == ponger);
  EXPECT_TRUE(any == ActorRef<Actor>(ponger) && any == ActorRef<PongApi>(ponger));
  EXPECT_TRUE(any != doubler && narrow != ActorRef<PongApi>(doubler));
  std::unordered_set<ActorRef<PongApi>> set{any, ponger, doubler, any};
  EXPECT_EQ(set.size(), 2u);
  EXPECT_EQ(std::hash<ActorRef<Actor>>()(any), std::hash<ActorRef<PongApi>>()(any));
  kill_all(std::vector<ActorRef<PongApi>>{ponger, doubler});
}

TEST_F(ApiTest, it_works_from_another_hub_and_from_a_thread_without_one) {
  HubThread other;
  const ActorRef<PongApi> there = other.call([] {
    static Log log;
    return spawn<Ponger>(log);
  });
  const ActorRef<Api<Pong(Ping)>> narrow = there;
  EXPECT_EQ(narrow.ask(Ping{1}).number, 2);
  EXPECT_EQ(narrow.ask_async(Ping{2}).get().number, 3);
  int from_thread = 0;
  std::thread([&] { from_thread = narrow.ask(Ping{3}).number; }).join();
  EXPECT_EQ(from_thread, 4);
  EXPECT_TRUE(there.kill());
  EXPECT_THROW(narrow.ask(Ping{1}), ActorDown);
}

TEST_F(ApiTest, an_actor_finds_its_declared_api_again) {
  Log log;
  const ActorRef<Actor> some = spawn<Ponger>(log);
  const auto narrow = api_cast<Api<int(Load), Pong(Ping)>>(some);
  EXPECT_EQ(narrow.ask(Ping{1}).number, 2);
  EXPECT_EQ(narrow.ask(Load{std::make_unique<int>(4)}), 4);
  EXPECT_EQ(api_cast<PongApi>(some), some);
  some.kill();
  EXPECT_EQ(text_of<ActorDown>([&] { api_cast<PongApi>(some); }), "api_cast: the actor has ended");
  EXPECT_THROW(api_cast<PongApi>(ActorRef<Actor>()), ActorDown);
}

TEST_F(ApiTest, a_cast_that_fails_says_what_is_missing) {
  Log log;
  const auto ponger = spawn<Ponger>(log);
  const auto doubler = spawn<Doubler>();
  const std::string lists =
      text_of<ApiMismatch>([&] { api_cast<Api<Pong(Ping), void(Fail)>>(ponger); });
  EXPECT_NE(lists.find(" does not list void(Fail) in its Api"), std::string::npos) << lists;
  EXPECT_NE(lists.find("Ponger-"), std::string::npos) << lists;
  EXPECT_THROW((api_cast<Api<int(Ping)>>(ponger)), ApiMismatch);
  const std::string none = text_of<ApiMismatch>([&] { api_cast<PongApi>(doubler); });
  EXPECT_NE(none.find("declares no public Api"), std::string::npos) << none;
  ponger.kill();
  doubler.kill();
}

TEST_F(ApiTest, an_actor_of_another_hub_is_cast_there) {
  HubThread other;
  const auto [ponger, doubler] = other.call([] {
    static Log log;
    return std::tuple(ActorRef<Actor>(spawn<Ponger>(log)), ActorRef<Actor>(spawn<Doubler>()));
  });
  EXPECT_EQ(api_cast<Api<Pong(Ping)>>(ponger).ask(Ping{1}).number, 2);
  EXPECT_THROW(api_cast<PongApi>(doubler), ApiMismatch);
  ponger.kill();
  EXPECT_THROW(api_cast<PongApi>(ponger), ActorDown);
  doubler.kill();
}

// A derived class that says so has all overloads; see compile_fail/ for one that does not.
TEST_F(ApiTest, a_derived_class_keeps_the_api_of_its_base) {
  class Louder : public Ponger {
  public:
    using Ponger::Ponger;
    using Ponger::receive;
    void receive(const Fail&) {}
  };
  Log log;
  const ActorRef<PongApi> any = spawn<Louder>(log);
  EXPECT_EQ(api_cast<PongApi>(any).ask(Ping{2}).number, 3);
  any.kill();
}

} // namespace
} // namespace grove::test
