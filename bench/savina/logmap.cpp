// SPDX-License-Identifier: MIT
// Savina 14, Logistic Map Series: 10 series of 25,000 terms. A series asks a computer for each
// term, and has no use for other messages until it is there: where the suite puts them aside, ask()
// waits.
#include <cstdint>
#include <stdexcept>
#include <vector>

#include <grove/actors/actor.hpp>
#include <grove/actors/ask_all.hpp>
#include <grove/actors/spawn.hpp>
#include <grove/hub/join.hpp>

#include "savina/program.hpp"

namespace {

constexpr std::int64_t terms = 25'000;
constexpr std::int64_t series = 10;
constexpr double first_rate = 3.46;
constexpr double increment = 0.0025;

double next_term(double term, double rate) { return rate * term * (1 - term); }
double rate_of(std::int64_t i) { return first_rate + static_cast<double>(i) * increment; }
double first_term_of(std::int64_t i) { return static_cast<double>(i) * increment; }

struct Compute {
  double term;
};

class Computer : public grove::Actor {
public:
  explicit Computer(double rate) : rate_(rate) {}
  double receive(const Compute& compute) { return next_term(compute.term, rate_); }

private:
  double rate_;
};

struct NextTerm {};
struct GetTerm {};

class Series : public grove::Actor {
public:
  Series(double term, grove::ActorRef<Computer> computer) : term_(term), computer_(computer) {}
  void receive(const NextTerm&) { term_ = computer_.ask(Compute{term_}); }
  double receive(const GetTerm&) { return term_; }

private:
  double term_;
  grove::ActorRef<Computer> computer_;
};

auto logistic_map() {
  std::vector<grove::ActorRef<Computer>> computers;
  std::vector<grove::ActorRef<Series>> all;
  for (std::int64_t i = 0; i < series; ++i) {
    computers.push_back(grove::spawn<Computer>(rate_of(i)));
    all.push_back(grove::spawn<Series>(first_term_of(i), computers.back()));
  }
  for (std::int64_t n = 0; n < terms; ++n) {
    for (const auto& one : all)
      one.tell(NextTerm{});
  }
  double sum = 0;
  for (const double term : grove::ask_all({}, all, GetTerm{}))
    sum += term;
  for (const auto& one : all)
    one.stop();
  for (const auto& computer : computers)
    computer.stop();
  grove::join_all(all);
  grove::join_all(computers);

  return [sum] {
    double wanted = 0;
    for (std::int64_t i = 0; i < series; ++i) {
      double term = first_term_of(i);
      for (std::int64_t n = 0; n < terms; ++n)
        term = next_term(term, rate_of(i));
      wanted += term;
    }
    if (sum != wanted) // the same steps, to the last bit
      throw std::runtime_error("the last terms are not those of the same steps done alone");
  };
}

SAVINA_PROGRAM("logmap", logistic_map);

} // namespace
