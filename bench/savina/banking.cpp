// SPDX-License-Identifier: MIT
// Savina 15, Bank Transaction: 50,000 transfers among 1,000 accounts. The one that pays asks the
// other to take the money, and has no ear for anything else until that is done.
#include <cstddef>
#include <cstdint>
#include <vector>

#include <grove/actors/actor.hpp>
#include <grove/actors/spawn.hpp>
#include <grove/hub/join.hpp>

#include "savina/program.hpp"
#include "savina/work.hpp"

namespace {

constexpr std::int64_t accounts = 1'000;
constexpr std::int64_t transfers = 50'000;
constexpr std::int64_t first_balance = 1'000'000;

struct Transfer {
  std::size_t from;
  std::size_t to; // always higher, so that no two wait for each other
  std::int64_t amount;
};
Transfer draw(savina::PseudoRandom& chance) {
  const std::int64_t from = chance.next(accounts / 10 * 8);
  const std::int64_t distance = chance.next(accounts - from);
  const std::int64_t to = from + (distance == 0 ? 1 : distance);
  return {static_cast<std::size_t>(from), static_cast<std::size_t>(to), chance.next(1'000)};
}
constexpr std::int64_t seed = 123'456;

class Teller;
class Account;
struct Pay {
  grove::ActorRef<Teller> teller;
  std::int64_t amount;
  grove::ActorRef<Account> to;
};
struct Take {
  std::int64_t amount;
};

class Account : public grove::Actor {
public:
  explicit Account(std::int64_t* last) : last_(last) {}
  void receive(const Pay& pay);
  void receive(const Take& take) { balance_ += take.amount; }
  void on_stop(const grove::ExitReason&) override { *last_ = balance_; }

private:
  std::int64_t balance_ = first_balance;
  std::int64_t* last_;
};

struct Begin {};
struct Paid {};

class Teller : public grove::Actor {
public:
  explicit Teller(std::vector<std::int64_t>* books) {
    for (std::int64_t& balance : *books)
      accounts_.push_back(grove::spawn<Account>(&balance));
  }
  void receive(const Begin&) {
    savina::PseudoRandom chance(seed);
    for (std::int64_t i = 0; i < transfers; ++i) {
      const Transfer transfer = draw(chance);
      accounts_[transfer.from].tell(Pay{self(*this), transfer.amount, accounts_[transfer.to]});
    }
  }
  void receive(const Paid&) {
    if (++paid_ < transfers)
      return;
    for (const auto& account : accounts_)
      account.stop();
    grove::join_all(accounts_);
    stop();
  }

private:
  std::vector<grove::ActorRef<Account>> accounts_;
  std::int64_t paid_ = 0;
};

void Account::receive(const Pay& pay) {
  balance_ -= pay.amount;
  pay.to.ask(Take{pay.amount});
  pay.teller.tell(Paid{});
}

auto bank() {
  std::vector<std::int64_t> books(accounts);
  const auto teller = grove::spawn<Teller>(&books);
  teller.tell(Begin{});
  teller.join();
  return [books] {
    std::vector<std::int64_t> wanted(accounts, first_balance);
    savina::PseudoRandom chance(seed);
    for (std::int64_t i = 0; i < transfers; ++i) {
      const Transfer transfer = draw(chance);
      wanted[transfer.from] -= transfer.amount;
      wanted[transfer.to] += transfer.amount;
    }
    for (std::size_t i = 0; i < books.size(); ++i)
      savina::expect_equal("balance of an account", books[i], wanted[i]);
  };
}

SAVINA_PROGRAM("banking", bank);

} // namespace
