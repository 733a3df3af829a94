// SPDX-License-Identifier: MIT
// Dining philosophers: a waiter who is asked for both forks at once keeps everybody fed. With
// --no-waiter each takes the fork on his left and asks his neighbour for the other one: the mutual
// ask that would wait for ever is found, and named.
//
// The waiter answers a question when it can: receive(Seat) returns an AsyncResult and keeps it
// until both forks are free. Meanwhile it handles other messages, and the philosopher waits in his
// ask().
#include <fmt/core.h>

#include <cstddef>
#include <string>
#include <vector>

#include <grove/actors.hpp>

#include "options.hpp"

namespace {

// -- with a waiter -------------------------------------------------------------------------------

struct TakeForks {
  std::size_t seat;
};
struct PutForks {
  std::size_t seat;
};

// Has all the forks. Who is hungry gets both at once, unless a neighbour eats, or has been hungry
// for longer: so nobody waits for ever.
class Waiter : public grove::Actor {
public:
  explicit Waiter(std::size_t seats) : eats_(seats) {}

  grove::AsyncResult<void> receive(const TakeForks& hungry) {
    grove::AsyncResult<void> served;
    line_.push_back({hungry.seat, served});
    serve();
    return served;
  }
  void receive(const PutForks& sated) {
    eats_[sated.seat] = false;
    serve();
  }

private:
  struct Hungry {
    std::size_t seat;
    grove::AsyncResult<void> served;
  };
  static bool next_to(const std::vector<bool>& some, std::size_t seat) {
    const std::size_t last = some.size() - 1;
    return some[seat == 0 ? last : seat - 1] || some[seat == last ? 0 : seat + 1];
  }
  void serve() {
    std::vector<bool> waits(eats_.size());
    std::erase_if(line_, [&](const Hungry& one) {
      if (next_to(eats_, one.seat) || next_to(waits, one.seat)) {
        waits[one.seat] = true;
        return false;
      }
      eats_[one.seat] = true;
      one.served.set();
      return true;
    });
  }

  std::vector<bool> eats_;
  std::vector<Hungry> line_;
};

struct Dine {
  std::size_t meals;
};

class Philosopher : public grove::Actor {
public:
  Philosopher(grove::ActorRef<Waiter> waiter, std::size_t seat) : waiter_(waiter), seat_(seat) {}

  std::size_t receive(const Dine& dinner) {
    for (std::size_t meal = 0; meal < dinner.meals; ++meal) {
      grove::yield(); // thinks
      waiter_.ask(TakeForks{seat_});
      grove::yield(); // eats
      waiter_.tell(PutForks{seat_});
    }
    return dinner.meals;
  }

private:
  grove::ActorRef<Waiter> waiter_;
  std::size_t seat_;
};

int dine(std::size_t seats, std::size_t meals) {
  const auto waiter = grove::spawn<Waiter>(seats);
  std::vector<grove::ActorRef<Philosopher>> table;
  for (std::size_t seat = 0; seat < seats; ++seat)
    table.push_back(grove::spawn<Philosopher>(waiter, seat));

  std::size_t eaten = 0;
  for (const std::size_t count : grove::ask_all({}, table, Dine{meals}))
    eaten += count;
  fmt::print("{} philosophers have had {} meals each, {} in all\n", seats, meals, eaten);
  return eaten == seats * meals ? 0 : 1;
}

// -- without -------------------------------------------------------------------------------------

class Neighbour;
struct Meet {
  grove::ActorRef<Neighbour> right;
};
struct LendFork {};
struct Eat {};

// Lends his left fork to who asks for it, unless he is about to eat himself: then the other waits.
class Neighbour : public grove::Actor {
public:
  void receive(const Meet& meet) { right_ = meet.right; }
  void receive(const LendFork&) {}
  // The error's text, if there is no way to eat.
  std::string receive(const Eat&) {
    grove::yield(); // he has his left fork; so have the others now
    try {
      right_.ask(LendFork{});
      return {};
    } catch (const grove::AskCycle& cycle) {
      return cycle.what();
    }
  }

private:
  grove::ActorRef<Neighbour> right_;
};

int fight(std::size_t seats) {
  std::vector<grove::ActorRef<Neighbour>> table;
  for (std::size_t seat = 0; seat < seats; ++seat)
    table.push_back(grove::spawn<Neighbour>());
  for (std::size_t seat = 0; seat < seats; ++seat)
    table[seat].ask(Meet{table[(seat + 1) % seats]});

  std::size_t ate = 0;
  for (const std::string& error : grove::ask_all({}, table, Eat{})) {
    if (error.empty())
      ++ate;
    else
      fmt::print("{}\n", error);
  }
  fmt::print("{} of {} have eaten, as one gave in\n", ate, seats);
  return ate == seats - 1 ? 0 : 1;
}

int run(int argc, char** argv) {
  CLI::App app{"Dining philosophers, each an actor."};
  std::size_t seats = 5;
  std::size_t meals = 1000;
  bool no_waiter = false;
  app.add_option("--seats", seats, "how many philosophers")
      ->capture_default_str()
      ->check(CLI::Range(2, 1000));
  app.add_option("--meals", meals, "for each of them")
      ->capture_default_str()
      ->check(CLI::Range(1, 1'000'000));
  app.add_flag("--no-waiter", no_waiter, "provoke the circle in which each waits for the next");
  if (const auto status = sample::parse(app, argc, argv))
    return *status;
  return no_waiter ? fight(seats) : dine(seats, meals);
}

} // namespace

int main(int argc, char** argv) { return grove::main(argc, argv, run); }
