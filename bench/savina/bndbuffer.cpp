// SPDX-License-Identifier: MIT
// Savina 10, Bounded Buffer: 40 producers of 1,000 items each, 40 consumers, and room for 50 items
// in between. The room is an inbox, which has a bound: who finds it full waits in tell(). The suite
// needs messages for that: "produce another one", "I am free".
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <utility>
#include <vector>

#include <grove/actors/actor.hpp>
#include <grove/actors/spawn.hpp>
#include <grove/hub/join.hpp>

#include "savina/program.hpp"
#include "savina/work.hpp"

namespace {

constexpr std::int64_t producers = 40;
constexpr std::int64_t consumers = 40;
constexpr std::int64_t items = 1'000; // of each producer
constexpr std::int64_t cost = 25;     // of an item, to produce as well as to consume
constexpr std::size_t room = 50;

double work_on(double item) {
  savina::PseudoRandom chance(cost);
  for (std::int64_t i = 0; i < 100 * cost; ++i)
    item += std::log(chance.next_fraction() + 0.01);
  return item;
}

struct Item {
  double value;
};
struct Sums {
  std::int64_t produced = 0;
  std::int64_t consumed = 0;
  double value_produced = 0;
  double value_consumed = 0;
};

class Consumer : public grove::Actor {
public:
  explicit Consumer(Sums* sums) : sums_(sums) {}
  void receive(const Item& item) {
    last_ = work_on(last_ + item.value);
    ++sums_->consumed;
    sums_->value_consumed += item.value;
  }

private:
  Sums* sums_;
  double last_ = 0;
};

// Gives each consumer an item in turn, and waits for the one that still has one before it.
class Buffer : public grove::Actor {
public:
  explicit Buffer(std::vector<grove::ActorRef<Consumer>> to) : to_(std::move(to)) {}
  void receive(const Item& item) { to_[next_++ % to_.size()].tell(item); }

private:
  std::vector<grove::ActorRef<Consumer>> to_;
  std::size_t next_ = 0;
};

struct Produce {};

class Producer : public grove::Actor {
public:
  Producer(grove::ActorRef<Buffer> buffer, Sums* sums) : buffer_(buffer), sums_(sums) {}
  void receive(const Produce&) {
    double value = 0;
    for (std::int64_t i = 0; i < items; ++i) {
      value = work_on(value);
      ++sums_->produced;
      sums_->value_produced += value;
      buffer_.tell(Item{value});
    }
    stop();
  }

private:
  grove::ActorRef<Buffer> buffer_;
  Sums* sums_;
};

auto bounded_buffer() {
  Sums sums;
  std::vector<grove::ActorRef<Consumer>> eaters;
  for (std::int64_t i = 0; i < consumers; ++i)
    eaters.push_back(grove::spawn<Consumer>(grove::ActorOptions{.inbox = {.capacity = 1}}, &sums));
  const auto buffer =
      grove::spawn<Buffer>(grove::ActorOptions{.inbox = {.capacity = room}}, eaters);
  std::vector<grove::ActorRef<Producer>> makers;
  for (std::int64_t i = 0; i < producers; ++i)
    makers.push_back(grove::spawn<Producer>(buffer, &sums));
  for (const auto& maker : makers)
    maker.tell(Produce{});

  grove::join_all(makers);
  buffer.stop(); // behind all items
  buffer.join();
  for (const auto& eater : eaters)
    eater.stop();
  grove::join_all(eaters);
  return [sums] {
    savina::expect_equal("items produced", sums.produced, producers * items);
    savina::expect_equal("items consumed", sums.consumed, producers * items);
    const double lost = std::abs(1 - sums.value_consumed / sums.value_produced);
    if (!(lost < 1e-9)) // they were added up in another order
      throw std::runtime_error("what was consumed is not what was produced");
  };
}

SAVINA_PROGRAM("bndbuffer", bounded_buffer);

} // namespace
