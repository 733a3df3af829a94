// SPDX-License-Identifier: MIT
// Savina 2, Counting Actor: a million messages to one inbox, and the question how many there were.
#include <cstdint>
#include <string_view>

#include <grove/actors/actor.hpp>
#include <grove/actors/spawn.hpp>
#include <grove/hub/log.hpp>

#include "savina/program.hpp"

namespace {

constexpr std::int64_t messages = 1'000'000;

struct Increment {};
struct HowMany {};

class Counter : public grove::Actor {
public:
  void receive(const Increment&) { ++count_; }
  std::int64_t receive(const HowMany&) {
    stop();
    return count_;
  }

private:
  std::int64_t count_ = 0;
};

struct Produce {};

class Producer : public grove::Actor {
public:
  explicit Producer(grove::ActorRef<Counter> counter) : counter_(counter) {}
  std::int64_t receive(const Produce&) {
    for (std::int64_t i = 0; i < messages; ++i)
      counter_.tell(Increment{});
    stop();
    return counter_.ask(HowMany{});
  }

private:
  grove::ActorRef<Counter> counter_;
};

auto count() {
  // That the counter cannot keep up is the point of it.
  const auto sink = grove::set_log_sink([](grove::LogLevel, std::string_view) {});
  const auto counter = grove::spawn<Counter>();
  const auto producer = grove::spawn<Producer>(counter);
  const std::int64_t counted = producer.ask(Produce{});
  producer.join();
  counter.join();
  grove::set_log_sink(sink);
  return [counted] { savina::expect_equal("messages", counted, messages); };
}

SAVINA_PROGRAM("count", count);

} // namespace
