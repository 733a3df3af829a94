// SPDX-License-Identifier: MIT
// The code of docs/actors.md: a system, its end, what is seen of it.
#include <grove/actors.hpp>

#include <cstdint>
#include <sstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>

#include "../support/hub_test.hpp"

namespace grove::test {
namespace {

struct Order {
  int customer = 0;
  int cents = 0;
};

class Account : public Actor {
public:
  int receive(const Order& order) { return spent_ += order.cents; }

private:
  int spent_ = 0;
};

class Desk : public Actor {
public:
  explicit Desk(std::vector<ActorRef<Account>> accounts) : accounts_(std::move(accounts)) {}
  int receive(const Order& order) {
    return accounts_[static_cast<std::size_t>(order.customer)].ask(order);
  }

private:
  std::vector<ActorRef<Account>> accounts_;
};

class SystemExampleTest : public HubTest {};

TEST_F(SystemExampleTest, what_was_let_in_is_done_before_the_end) {
  std::ostringstream out;
  ActorSystem system({.hubs = 2, .grace = 10s});

  std::vector<ActorRef<Account>> accounts;
  for (int customer = 0; customer < 10; ++customer)
    accounts.push_back(system.spawn<Account>(Place::keyed(customer)));
  const auto desk = system.spawn<Desk>(Place::here().in_phase(1), accounts);

  desk.tell(Order{.customer = 3, .cents = 250});
  const ShutdownReport report = system.shutdown(); // the desk first, then the accounts
  for (const ShutdownReport::Survivor& one : report.survivors)
    out << one.name << " on hub " << one.hub << " did not end: " << one.activity << '\n';

  EXPECT_EQ(report.told, 11u);
  EXPECT_TRUE(report.clean()) << out.str();
}

TEST_F(SystemExampleTest, who_is_there_and_what_they_do) {
  std::ostringstream out;
  ActorSystem system({.hubs = 2});
  const auto account = system.spawn<Account>(Place::on(1));
  account.ask(Order{.customer = 1, .cents = 100});

  const ActorSnapshot now = system.snapshot();
  for (const ActorInfo& one : now.actors)
    out << one.name << ": " << to_string(one.state) << ", " << one.messages << " handled, "
        << one.inbox << " wait, " << one.high_water << " at most\n";
  for (const ActorClassInfo& one : now.classes)
    out << one.qualified_type << ": " << one.living << " live, " << one.ended << " have ended\n";

  EXPECT_THAT(out.str(), ::testing::ContainsRegex("Account-[0-9]+: idle, 1 handled, 0 wait, 1 at"));
  EXPECT_THAT(out.str(), ::testing::HasSubstr("::Account: 1 live"));
}

TEST_F(SystemExampleTest, what_nobody_will_handle) {
  std::vector<int> lost;
  on_dead_letter([&](const DeadLetter& letter) {
    if (const Order* order = letter.get_if<Order>())
      lost.push_back(order->customer);
  });
  const std::uint64_t before = Hub::current().stats().dead_letters;

  const auto account = spawn<Account>();
  account.kill();
  account.tell(Order{.customer = 7, .cents = 1});

  EXPECT_THAT(lost, ::testing::ElementsAre(7));
  EXPECT_EQ(Hub::current().stats().dead_letters, before + 1);
  on_dead_letter({});
}

} // namespace
} // namespace grove::test
