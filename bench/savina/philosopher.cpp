// SPDX-License-Identifier: MIT
// Savina 11, Dining Philosophers: 20 of them eat 10,000 times each. Whom the arbitrator denies the
// forks asks again, at once.
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <vector>

#include <grove/actors/actor.hpp>
#include <grove/actors/spawn.hpp>
#include <grove/hub/join.hpp>

#include "savina/program.hpp"

namespace {

constexpr std::size_t philosophers = 20;
constexpr std::int64_t rounds = 10'000;

struct TakeForks {
  std::size_t seat;
};
struct PutForks {
  std::size_t seat;
};

class Arbitrator : public grove::Actor {
public:
  bool receive(const TakeForks& take) {
    auto& left = taken_[take.seat];
    auto& right = taken_[(take.seat + 1) % philosophers];
    if (left != 0 || right != 0)
      return false;
    left = right = 1;
    return true;
  }
  void receive(const PutForks& put) {
    auto& left = taken_[put.seat];
    auto& right = taken_[(put.seat + 1) % philosophers];
    if (left == 0 || right == 0)
      throw std::logic_error("a fork is put back that was not taken");
    left = right = 0;
  }

private:
  std::vector<char> taken_ = std::vector<char>(philosophers);
};

struct Begin {};

class Philosopher : public grove::Actor {
public:
  Philosopher(std::size_t seat, grove::ActorRef<Arbitrator> arbitrator, std::int64_t* meals)
      : seat_(seat), arbitrator_(arbitrator), meals_(meals) {}

  void receive(const Begin&) {
    while (!arbitrator_.ask(TakeForks{seat_})) {
    }
    ++*meals_;
    arbitrator_.tell(PutForks{seat_});
    if (++eaten_ < rounds)
      self(*this).tell(Begin{});
    else
      stop();
  }

private:
  std::size_t seat_;
  grove::ActorRef<Arbitrator> arbitrator_;
  std::int64_t* meals_;
  std::int64_t eaten_ = 0;
};

auto dine() {
  std::int64_t meals = 0;
  const auto arbitrator = grove::spawn<Arbitrator>();
  std::vector<grove::ActorRef<Philosopher>> table;
  for (std::size_t seat = 0; seat < philosophers; ++seat)
    table.push_back(grove::spawn<Philosopher>(seat, arbitrator, &meals));
  for (const auto& philosopher : table)
    philosopher.tell(Begin{});
  grove::join_all(table);
  arbitrator.stop();
  arbitrator.join();
  return [meals] {
    savina::expect_equal("meals", meals, static_cast<std::int64_t>(philosophers) * rounds);
  };
}

SAVINA_PROGRAM("philosopher", dine);

} // namespace
