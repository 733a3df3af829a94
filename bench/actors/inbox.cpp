// SPDX-License-Identifier: MIT
// Bounded inboxes, and a hundred senders to one receiver: one iteration is one message.
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include <benchmark/benchmark.h>

#include <grove/actors/actor.hpp>
#include <grove/actors/spawn.hpp>
#include <grove/hub/event.hpp>
#include <grove/hub/hub_thread.hpp>
#include <grove/hub/log.hpp>

#include "support/check.hpp"
#include "support/fresh_process.hpp"

namespace {

struct Item {
  std::int64_t amount;
};
struct Await {
  std::int64_t items;
};
struct HowMuch {};

class Receiver : public grove::Actor {
public:
  explicit Receiver(grove::Event* done) : done_(done) {}
  void receive(const Await& await) { left_ += await.items; }
  void receive(const Item& item) {
    sum_ += item.amount;
    if (--left_ == 0)
      done_->set();
  }
  std::int64_t receive(const HowMuch&) { return sum_; }

private:
  grove::Event* done_;
  std::int64_t left_ = 0;
  std::int64_t sum_ = 0;
};

class Sender : public grove::Actor {
public:
  explicit Sender(grove::ActorRef<Receiver> to) : to_(to) {}
  void receive(const Await& send) {
    for (std::int64_t i = 0; i < send.items; ++i)
      to_.tell(Item{1});
  }

private:
  grove::ActorRef<Receiver> to_;
};

// `senders` actors, each of which sends as fast as it may; every other one from a hub of its own
// thread, if there is one.
class Crowd {
public:
  Crowd(std::int64_t senders, std::size_t capacity, grove::HubThread* second = nullptr)
      : receiver_(grove::spawn<Receiver>(
            grove::ActorOptions{.inbox = {.capacity = capacity, .policy = grove::Overflow::block}},
            &done_)) {
    const auto sender = [this] { return grove::spawn<Sender>(receiver_); };
    for (std::int64_t i = 0; i < senders; ++i)
      senders_.push_back(second != nullptr && i % 2 == 0 ? second->call(sender) : sender());
  }
  Crowd(const Crowd&) = delete;
  Crowd& operator=(const Crowd&) = delete;
  ~Crowd() {
    for (const auto& sender : senders_)
      sender.kill();
    receiver_.kill();
  }
  // `each` messages of each of them.
  void send(std::int64_t each) {
    done_.clear();
    receiver_.ask(Await{static_cast<std::int64_t>(senders_.size()) * each});
    for (const auto& sender : senders_)
      sender.tell(Await{each});
    done_.wait();
  }
  std::int64_t received() { return receiver_.ask(HowMuch{}); }

private:
  grove::Event done_;
  grove::ActorRef<Receiver> receiver_;
  std::vector<grove::ActorRef<Sender>> senders_;
};

void run(benchmark::State& state, std::int64_t senders, std::int64_t each, std::size_t capacity) {
  Crowd crowd(senders, capacity);
  while (state.KeepRunningBatch(senders * each))
    crowd.send(each);
  bench::expect_equal(state, "items", crowd.received(),
                      static_cast<std::int64_t>(state.iterations()));
}

void bounded(benchmark::State& state) { run(state, 1, 100'000, 1024); }
void many_to_one_bounded(benchmark::State& state) { run(state, 100, 1'000, 1024); }
void many_to_one_in_bursts(benchmark::State& state) { run(state, 100, 10, 0); }

// Ten million messages are in flight: every envelope is fresh, and costs its share of a page fault.
constexpr std::int64_t flood_senders = 100;
constexpr std::int64_t flood_each = 100'000;
struct Flood {
  double seconds;
  std::int64_t received;
};
template <bool TwoHubs>
Flood flood() {
  grove::set_log_sink([](grove::LogLevel, std::string_view) {}); // that the receiver cannot keep up
  std::optional<grove::HubThread> second;
  if (TwoHubs)
    second.emplace();
  Crowd crowd(flood_senders, 0, TwoHubs ? &*second : nullptr);
  const auto start = std::chrono::steady_clock::now();
  crowd.send(flood_each);
  return {bench::seconds_since(start), crowd.received()};
}
template <bool TwoHubs>
void many_to_one(benchmark::State& state, const char* name) {
  constexpr std::int64_t messages = flood_senders * flood_each;
  while (state.KeepRunningBatch(messages)) {
    const auto result = bench::in_fresh_process<flood<TwoHubs>>(name);
    if (!result) {
      state.SkipWithError("the process that was measured has failed");
      return;
    }
    bench::expect_equal(state, "items", result->received, messages);
    state.SetIterationTime(result->seconds);
  }
}

void many_to_one_one_hub(benchmark::State& state) {
  many_to_one<false>(state, "many_to_one/grove");
}
void many_to_one_two_hubs(benchmark::State& state) {
  many_to_one<true>(state, "many_to_one/grove_two_hubs");
}

BENCHMARK(bounded)->Name("bounded/grove")->UseRealTime();
BENCHMARK(many_to_one_bounded)->Name("many_to_one/grove_bounded")->UseRealTime();
BENCHMARK(many_to_one_in_bursts)->Name("many_to_one/grove_bursts")->UseRealTime();
BENCHMARK(many_to_one_one_hub)
    ->Name("many_to_one/grove")
    ->Iterations(flood_senders* flood_each)
    ->UseManualTime();
BENCHMARK(many_to_one_two_hubs)
    ->Name("many_to_one/grove_two_hubs")
    ->Iterations(flood_senders* flood_each)
    ->UseManualTime();

} // namespace
