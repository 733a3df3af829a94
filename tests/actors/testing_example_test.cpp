// SPDX-License-Identifier: MIT
// Tests as a program would write them: those of docs/testing.md, whose code stands here.
#include <chrono>
#include <cstdint>
#include <stdexcept>
#include <string>

#include <gtest/gtest.h>

#include <grove/actors.hpp>
#include <grove/actors/testing.hpp>

#include "../support/hub_test.hpp"
#include "seed_environment.hpp"

namespace grove::test {
namespace {

using grove::testing::HeldMessages;
using grove::testing::Probe;
using grove::testing::TestKit;

class TestingExample : public HubTest {};

// -- a session with time-outs ---------------------------------------------------------------------

struct Query {
  std::string key;
};
struct Row {
  std::string value;
};
struct Closed {
  int user;
};
using DatabaseApi = Api<Row(Query)>;
using OwnerApi = Api<void(Closed)>;

// Answers from the database; ends, and tells its owner, when nobody has asked for 30 seconds.
class Session : public Actor {
public:
  Session(int user, const ActorRef<DatabaseApi>& database, const ActorRef<OwnerApi>& owner)
      : user_(user), database_(database), owner_(owner) {}
  void on_start() override { wait_for_user(); }
  Row receive(const Query& query) {
    wait_for_user();
    return database_.ask(query, 2s);
  }
  struct Idle {};
  void receive(const Idle&) {
    owner_.tell(Closed{user_});
    stop();
  }

private:
  void wait_for_user() { idle_ = self(*this).tell_after(30s, Idle{}); }
  int user_;
  ActorRef<DatabaseApi> database_;
  ActorRef<OwnerApi> owner_;
  TellTimer idle_;
};

TEST_F(TestingExample, a_session_asks_the_database_and_ends_when_it_is_idle) {
  TestKit kit;
  Probe<Row(Query)> database("the database");
  Probe<Closed> owner("the owner");
  const auto session = kit.spawn<Session>(7, database.ref(), owner.ref());

  const auto answer = session.ask_async(Query{"name"});
  EXPECT_EQ(database.expect<Query>().key, "name");
  database.reply<Query>(Row{"Ada"});
  EXPECT_EQ(answer.get().value, "Ada");

  owner.watch(session);
  kit.advance(29s);
  owner.expect_no();
  database.answer<Query>(Row{"again"});
  session.ask(Query{"name"}); // and its time begins anew
  owner.expect_no(29s);
  EXPECT_EQ(owner.expect<Closed>(1s).user, 7);
  EXPECT_TRUE(owner.expect_down(session).reason.normal());
}

TEST_F(TestingExample, a_database_that_does_not_answer_ends_the_session_in_every_order) {
  grove::testing::for_each_seed(50, [](TestKit& kit) {
    const ErrorLog errors;
    Probe<Row(Query)> database("the database");
    Probe<Closed> owner("the owner");
    const auto session = kit.spawn<Session>(1, database.ref(), owner.ref());
    owner.watch(session);
    const auto first = session.ask_async(Query{"a"});
    const auto second = session.ask_async(Query{"b"});
    EXPECT_THROW(first.get(), AskTimeout);
    EXPECT_THROW(second.get(), ActorDown);
    EXPECT_EQ(owner.expect_down(session, 1s).reason.kind, ExitReason::Kind::failed);
    owner.expect_no(60s);
  });
}

// -- a bug that only some orders show -------------------------------------------------------------

struct Get {};
struct Put {
  int stock;
};
using StoreApi = Api<int(Get), void(Put)>;

class Store : public Actor {
public:
  int receive(const Get&) const { return stock_; }
  void receive(const Put& put) { stock_ = put.stock; }

private:
  int stock_ = 10;
};

struct Buy {};
// Reads the stock and writes it back: another buyer may have come between.
class Buyer : public Actor {
public:
  explicit Buyer(const ActorRef<StoreApi>& store) : store_(store) {}
  void receive(const Buy&) {
    const int stock = store_.ask(Get{});
    store_.tell(Put{stock - 1});
  }

private:
  ActorRef<StoreApi> store_;
};

// Passes an order on.
class Clerk : public Actor {
public:
  explicit Clerk(const ActorRef<Api<void(Buy)>>& next) : next_(next) {}
  void receive(const Buy& buy) { next_.tell(buy); }

private:
  ActorRef<Api<void(Buy)>> next_;
};

// The second order takes a longer way: mostly, the first has been carried out by then.
void two_buy(TestKit& kit) {
  const auto store = kit.spawn<Store>();
  const auto one = kit.spawn<Buyer>(store);
  const auto other = kit.spawn<Buyer>(store);
  const auto office = kit.spawn<Clerk>(kit.spawn<Clerk>(kit.spawn<Clerk>(other)));
  one.tell(Buy{});
  office.tell(Buy{});
  kit.settle();
  if (const int stock = store.ask(Get{}); stock != 8)
    throw std::runtime_error("two were bought, and " + std::to_string(stock) + " are left of 10");
}

// The seed that finds it, finds it again.
TEST_F(TestingExample, seeds_find_an_update_that_is_lost) {
  const SeedEnvironment all_seeds;
  const auto search = []() -> std::uint64_t {
    try {
      grove::testing::for_each_seed(100, two_buy);
    } catch (const grove::testing::FailedWithSeed& failed) {
      EXPECT_NE(std::string(failed.what()).find("two were bought, and 9 are left of 10"),
                std::string::npos);
      EXPECT_NE(std::string(failed.what()).find("GROVE_SEED="), std::string::npos);
      return failed.seed();
    }
    return 0;
  };
  const std::uint64_t found = search();
  EXPECT_GT(found, 1u) << "not every order loses it";
  EXPECT_EQ(search(), found);
}

// Once it is known, the order is made: the first buyer's write comes after the other's.
TEST_F(TestingExample, held_messages_make_the_order_that_loses_it) {
  TestKit kit;
  const auto store = kit.spawn<Store>();
  const auto one = kit.spawn<Buyer>(store);
  const auto other = kit.spawn<Buyer>(store);

  HeldMessages late(one, store);
  one.tell(Buy{});
  kit.settle();
  EXPECT_TRUE(late.deliver_next()); // its Get
  kit.settle();
  EXPECT_EQ(late.size(), 1u); // its Put
  other.tell(Buy{});
  kit.settle();
  EXPECT_EQ(store.ask(Get{}), 9);
  late.release();
  EXPECT_EQ(store.ask(Get{}), 9) << "the other's is lost";
}

// The cure: the store itself takes one away. No order breaks it.
class CountingStore : public Actor {
public:
  int receive(const Get&) const { return stock_; }
  void receive(const Buy&) { --stock_; }

private:
  int stock_ = 10;
};

TEST_F(TestingExample, no_seed_breaks_the_cure) {
  grove::testing::for_each_seed(100, [](TestKit& kit) {
    const auto store = kit.spawn<CountingStore>();
    for (int i = 0; i < 2; ++i)
      grove::spawn([store] { store.tell(Buy{}); });
    kit.settle();
    EXPECT_EQ(store.ask(Get{}), 8) << kit.how_to_repeat();
  });
}

} // namespace
} // namespace grove::test
