// SPDX-License-Identifier: MIT
// A bank whose accounts crash now and then, and where no cent is lost.
//
// A transfer is a handler that asks two accounts, one after the other, as if they were objects:
// while the teller waits, others work. Accounts are children of a supervisor. One that fails is
// constructed again behind the same reference, reads its balance from the books, and goes on with
// its inbox; who asked gets the error, and knows that nothing was written. In the end the money is
// counted. With --seed all this happens in simulated time, and always alike.
#include <fmt/core.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include <grove/actors.hpp>

#include "options.hpp"

namespace {

using Cents = std::int64_t;

std::string euros(Cents cents) {
  return fmt::format("{}{}.{:02}", cents < 0 ? "-" : "", std::abs(cents) / 100,
                     std::abs(cents) % 100);
}

// What outlives an account: the disk, as it were.
struct Books {
  std::vector<Cents> balances;
  std::mt19937_64 chance;
  unsigned crash_percent = 0;
  std::uint64_t crashes = 0;
};

struct Deposit {
  Cents amount;
};
struct Withdraw {
  Cents amount;
};
struct Balance {};

class Account : public grove::Actor {
public:
  Account(Books* books, std::size_t number)
      : books_(books), number_(number), balance_(books->balances[number]) {}

  void receive(const Deposit& deposit) {
    check(deposit.amount);
    write(balance_ + deposit.amount);
  }
  void receive(const Withdraw& withdrawal) {
    check(withdrawal.amount);
    if (withdrawal.amount > balance_) // refused: the asker gets it, and the account lives on
      throw grove::Rejected(fmt::format("account {} has no {}", number_, euros(withdrawal.amount)));
    write(balance_ - withdrawal.amount);
  }
  Cents receive(const Balance&) { return balance_; }

private:
  // A mistake of the caller, which no account is prepared for: it fails.
  static void check(Cents amount) {
    if (amount <= 0)
      throw std::invalid_argument("an amount of " + euros(amount));
  }
  void write(Cents balance) {
    balance_ = balance;
    grove::yield(); // the disk is slow
    if (books_->chance() % 100 < books_->crash_percent) {
      ++books_->crashes;
      throw std::runtime_error("the disk is gone");
    }
    books_->balances[number_] = balance;
  }

  Books* books_;
  std::size_t number_;
  Cents balance_;
};

struct Transfer {
  std::size_t from;
  std::size_t to;
  Cents amount;
};
enum class Outcome { done, refused, failed };

class Teller : public grove::Actor {
public:
  explicit Teller(std::vector<grove::ActorRef<Account>> accounts)
      : accounts_(std::move(accounts)) {}

  Outcome receive(const Transfer& transfer) {
    const grove::Shield shield; // a kill must not come while the money is in our hands
    const auto taken = accounts_[transfer.from].try_ask(Withdraw{transfer.amount});
    if (!taken)
      return taken.error() == grove::AskError::rejected ? Outcome::refused : Outcome::failed;
    for (;;) {
      const auto given = accounts_[transfer.to].try_ask(Deposit{transfer.amount});
      if (given)
        return Outcome::done;
      if (given.error() != grove::AskError::failed) // else it is started again: once more
        given.value();                              // throws why
    }
  }

private:
  std::vector<grove::ActorRef<Account>> accounts_;
};

struct Options {
  std::size_t accounts = 20;
  std::size_t clients = 10;
  std::size_t transfers = 1000;
  unsigned crash_percent = 2;
  std::optional<std::uint64_t> seed;
};

int trade(const Options& options) {
  constexpr Cents at_first = 100'00;
  constexpr std::size_t tellers = 4;
  std::optional<grove::Simulation> simulation;
  if (options.seed)
    simulation.emplace(*options.seed);
  const std::uint64_t seed = options.seed ? *options.seed : std::random_device()();
  Books books{std::vector<Cents>(options.accounts, at_first), std::mt19937_64(seed),
              options.crash_percent, 0};

  const auto bank = grove::spawn<grove::Supervisor>(
      grove::SupervisorOptions{.strategy = grove::Strategy::one_for_one, .intensity = 1'000'000});
  std::vector<grove::ActorRef<Account>> accounts;
  for (std::size_t i = 0; i < options.accounts; ++i)
    accounts.push_back(
        grove::add_child<Account>(bank, {.id = fmt::format("account-{}", i)}, &books, i));
  const grove::Router<Teller> counter;
  counter.add_children(bank, tellers, {}, accounts);

  const auto wrong = accounts[0].try_ask(Deposit{-500});
  fmt::print("a wrong deposit: {}\n", wrong.what());
  fmt::print("account 0 was started again, and has {}\n", euros(accounts[0].ask(Balance{})));

  std::uint64_t count[3] = {};
  std::mt19937_64 chance(seed + 1);
  {
    grove::Group clients;
    for (std::size_t i = 0; i < options.clients; ++i) {
      clients.spawn([&] {
        for (std::size_t n = 0; n < options.transfers; ++n) {
          const std::size_t from = chance() % options.accounts;
          const std::size_t to = (from + 1 + chance() % (options.accounts - 1)) % options.accounts;
          const auto amount = static_cast<Cents>(1 + chance() % 90'00);
          ++count[static_cast<int>(counter.ask(Transfer{from, to, amount}))];
        }
      });
    }
    clients.join();
  }

  Cents sum = 0;
  for (const Cents balance : grove::ask_all({}, accounts, Balance{}))
    sum += balance;
  const Cents wanted = at_first * static_cast<Cents>(options.accounts);
  fmt::print("{} transfers done, {} refused for lack of money, {} failed\n", count[0], count[1],
             count[2]);
  fmt::print("{} crashes\n", books.crashes);
  fmt::print("{} accounts have {}, {}\n", options.accounts, euros(sum),
             sum == wanted ? "as at the beginning" : "but had " + euros(wanted));
  bank.stop();
  bank.join();
  return sum == wanted ? 0 : 1;
}

int run(int argc, char** argv) {
  CLI::App app{"A bank: concurrent transfers between accounts that crash, and are started again."};
  Options options;
  app.add_option("--accounts", options.accounts, "each begins with 100.00")
      ->capture_default_str()
      ->check(CLI::Range(2, 100'000));
  app.add_option("--clients", options.clients, "who order transfers at the same time")
      ->capture_default_str()
      ->check(CLI::Range(1, 10'000));
  app.add_option("--transfers", options.transfers, "of each client")
      ->capture_default_str()
      ->check(CLI::Range(1, 10'000'000));
  app.add_option("--crashes", options.crash_percent, "percent of the changes in which one crashes")
      ->capture_default_str()
      ->check(CLI::Range(0, 90));
  app.add_option("--seed", options.seed, "simulate, with this seed: the same again");
  if (const auto status = sample::parse(app, argc, argv))
    return *status;

  // Each crash would be a line in the log.
  grove::Hub::current().on_error([](const grove::UnhandledError&) {});
  return trade(options);
}

} // namespace

int main(int argc, char** argv) { return grove::main(argc, argv, run); }
