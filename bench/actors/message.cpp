// SPDX-License-Identifier: MIT
// Messages between actors, on one hub and across two: one iteration is one message.
#include <cstdint>
#include <vector>

#include <benchmark/benchmark.h>

#include <grove/actors/actor.hpp>
#include <grove/actors/actor_system.hpp>
#include <grove/actors/spawn.hpp>
#include <grove/hub/event.hpp>
#include <grove/hub/hub_thread.hpp>

#include "support/check.hpp"

namespace {

struct Ball {
  std::int64_t hits_left;
};

class Player : public grove::Actor {
public:
  struct Meet {
    grove::ActorRef<Player> partner;
    grove::Event* game_over; // of this actor's hub; null for the one who never ends a game
  };

  void receive(const Meet& meet) {
    partner_ = meet.partner;
    game_over_ = meet.game_over;
  }
  void receive(const Ball& ball) {
    ++hits_;
    if (ball.hits_left == 0)
      game_over_->set();
    else
      partner_.tell(Ball{ball.hits_left - 1});
  }
  struct HowMany {};
  std::int64_t receive(const HowMany&) { return hits_; }

private:
  grove::ActorRef<Player> partner_;
  grove::Event* game_over_ = nullptr;
  std::int64_t hits_ = 0;
};

// Games of `hits` messages, an even number plus one: who has the first has the last.
void play(benchmark::State& state, grove::ActorRef<Player> here, grove::ActorRef<Player> other,
          std::int64_t hits) {
  grove::Event game_over;
  here.ask(Player::Meet{other, &game_over});
  other.ask(Player::Meet{here, nullptr});
  while (state.KeepRunningBatch(hits)) {
    game_over.clear();
    here.tell(Ball{hits - 1});
    game_over.wait();
  }
  bench::expect_equal(state, "messages", here.ask(Player::HowMany{}) + other.ask(Player::HowMany{}),
                      static_cast<std::int64_t>(state.iterations()));
  other.kill();
  here.kill();
}

void ping_pong(benchmark::State& state) {
  play(state, grove::spawn<Player>(), grove::spawn<Player>(), 100'001);
}
void ping_pong_two_hubs(benchmark::State& state) {
  const auto here = grove::spawn<Player>();
  grove::HubThread second;
  play(state, here, second.call([] { return grove::spawn<Player>(); }), 101);
}

// -- many to one ----------------------------------------------------------------------------------

struct Drop {
  std::int64_t amount;
};
struct Pour {
  std::int64_t drops;
};

class Bucket : public grove::Actor {
public:
  explicit Bucket(grove::Event* full) : full_(full) {}
  struct Await {
    std::int64_t drops;
  };
  void receive(const Await& await) { left_ = await.drops; }
  void receive(const Drop& drop) {
    sum_ += drop.amount;
    if (--left_ == 0)
      full_->set();
  }
  struct HowMuch {};
  std::int64_t receive(const HowMuch&) { return sum_; }

private:
  grove::Event* full_;
  std::int64_t left_ = 0;
  std::int64_t sum_ = 0;
};

class Source : public grove::Actor {
public:
  explicit Source(grove::ActorRef<Bucket> bucket) : bucket_(bucket) {}
  void receive(const Pour& pour) {
    for (std::int64_t i = 0; i < pour.drops; ++i)
      bucket_.tell(Drop{1});
  }

private:
  grove::ActorRef<Bucket> bucket_;
};

// A hundred senders, none of which waits for the receiver.
void fan_in(benchmark::State& state) {
  constexpr std::int64_t senders = 100;
  constexpr std::int64_t each = 900; // an inbox of 100,000 would be reported
  grove::Event full;
  const auto bucket = grove::spawn<Bucket>(&full);
  std::vector<grove::ActorRef<Source>> sources;
  for (std::int64_t i = 0; i < senders; ++i)
    sources.push_back(grove::spawn<Source>(bucket));
  while (state.KeepRunningBatch(senders * each)) {
    full.clear();
    bucket.tell(Bucket::Await{senders * each});
    for (const auto& source : sources)
      source.tell(Pour{each});
    full.wait();
  }
  bench::expect_equal(state, "drops", bucket.ask(Bucket::HowMuch{}),
                      static_cast<std::int64_t>(state.iterations()));
  for (const auto& source : sources)
    source.kill();
  bucket.kill();
}

// -- a stream to another hub ----------------------------------------------------------------------

// A window of 16,384 messages, acknowledged a batch at a time, so that the sender need not stop.
constexpr std::int64_t batch = 1024;
constexpr std::int64_t batches_under_way = 16;

class Sink;
class Spring : public grove::Actor {
public:
  explicit Spring(grove::Event* done) : done_(done) {}
  struct Flow {
    grove::ActorRef<Sink> to;
    std::int64_t batches;
  };
  struct Arrived {}; // a batch
  void receive(const Flow& flow);
  void receive(const Arrived&);

private:
  void send_batch();
  grove::Event* done_;
  grove::ActorRef<Sink> sink_;
  std::int64_t unsent_ = 0;
  std::int64_t unacknowledged_ = 0;
};

class Sink : public grove::Actor {
public:
  explicit Sink(grove::ActorRef<Spring> spring) : spring_(spring) {}
  void receive(const Drop& drop) {
    sum_ += drop.amount;
    if (sum_ % batch == 0)
      spring_.tell(Spring::Arrived{});
  }
  struct HowMuch {};
  std::int64_t receive(const HowMuch&) { return sum_; }

private:
  grove::ActorRef<Spring> spring_;
  std::int64_t sum_ = 0;
};

void Spring::send_batch() {
  for (std::int64_t i = 0; i < batch; ++i)
    sink_.tell(Drop{1});
  --unsent_;
  ++unacknowledged_;
}
void Spring::receive(const Flow& flow) {
  sink_ = flow.to;
  unsent_ = flow.batches;
  for (std::int64_t i = 0; i < batches_under_way; ++i)
    send_batch();
}
void Spring::receive(const Arrived&) {
  --unacknowledged_;
  if (unsent_ > 0)
    send_batch();
  else if (unacknowledged_ == 0)
    done_->set();
}

void stream_two_hubs(benchmark::State& state) {
  constexpr std::int64_t batches = 512;
  grove::Event done;
  grove::ActorSystem system({.hubs = 2, .pin = true});
  const auto spring = system.spawn<Spring>(grove::Place::on(0), &done);
  const auto sink = system.spawn<Sink>(grove::Place::on(1), spring);
  while (state.KeepRunningBatch(batches * batch)) {
    done.clear();
    spring.tell(Spring::Flow{sink, batches});
    done.wait();
  }
  bench::expect_equal(state, "drops", sink.ask(Sink::HowMuch{}),
                      static_cast<std::int64_t>(state.iterations()));
}

BENCHMARK(ping_pong)->Name("message/grove")->UseRealTime();
BENCHMARK(ping_pong_two_hubs)->Name("message/grove_two_hubs")->UseRealTime();
BENCHMARK(fan_in)->Name("fan_in/grove")->UseRealTime();
BENCHMARK(stream_two_hubs)->Name("stream/grove_two_hubs")->UseRealTime();

} // namespace
