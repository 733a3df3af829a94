// SPDX-License-Identifier: MIT
// Savina 15, Bank Transaction, with CAF; the rules are in bench/savina.
#include "savina.hpp"

#include <cstddef>
#include <vector>

namespace savina {

namespace {

constexpr int64_t accounts = 1'000;
constexpr int64_t transfers = 50'000;
constexpr int64_t first_balance = 1'000'000;
constexpr int64_t seed = 123'456;

struct Transfer {
  std::size_t from;
  std::size_t to;
  int64_t amount;
};
Transfer draw(savina::PseudoRandom& chance) {
  const int64_t from = chance.next(accounts / 10 * 8);
  const int64_t distance = chance.next(accounts - from);
  const int64_t to = from + (distance == 0 ? 1 : distance);
  return {static_cast<std::size_t>(from), static_cast<std::size_t>(to), chance.next(1'000)};
}

struct Account {
  int64_t balance = first_balance;
};
behavior account(caf::stateful_actor<Account>* self, int64_t* last) {
  return {
      [self](pay_atom, int64_t amount, const actor& to) {
        self->state.balance -= amount;
        // await(): other messages wait until the answer is there.
        self->request(to, caf::infinite, take_atom::value, amount)
            .await(
                [self, teller = sender_of_message(self)] { self->send(teller, paid_atom::value); });
      },
      [self](take_atom, int64_t amount) { self->state.balance += amount; },
      [self, last](end_atom) {
        *last = self->state.balance;
        self->quit();
      },
  };
}

struct Teller {
  std::vector<actor> accounts;
  int64_t paid = 0;
};
behavior teller(caf::stateful_actor<Teller>* self, std::vector<int64_t>* books) {
  for (int64_t& balance : *books)
    self->state.accounts.push_back(self->spawn(account, &balance));
  return {
      [self](start_atom) {
        savina::PseudoRandom chance(seed);
        for (int64_t i = 0; i < transfers; ++i) {
          const Transfer transfer = draw(chance);
          const auto& all = self->state.accounts;
          self->send(all[transfer.from], pay_atom::value, transfer.amount, all[transfer.to]);
        }
      },
      [self](paid_atom) {
        if (++self->state.paid < transfers)
          return;
        for (const auto& each : self->state.accounts)
          self->send(each, end_atom::value);
        self->quit();
      },
  };
}

} // namespace

void banking(caf::actor_system& system) {
  std::vector<int64_t> books(accounts);
  caf::anon_send(system.spawn(teller, &books), start_atom::value);
  system.await_all_actors_done();
  std::vector<int64_t> wanted(accounts, first_balance);
  savina::PseudoRandom chance(seed);
  for (int64_t i = 0; i < transfers; ++i) {
    const Transfer transfer = draw(chance);
    wanted[transfer.from] -= transfer.amount;
    wanted[transfer.to] += transfer.amount;
  }
  for (std::size_t i = 0; i < books.size(); ++i)
    expect_equal("balance of an account", books[i], wanted[i]);
}

} // namespace savina
