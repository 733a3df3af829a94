// SPDX-License-Identifier: MIT
// A work queue that lets in no more than so many jobs a second.
//
//   producers --tell--> [bounded inbox] intake --put--> WorkQueue --> workers
//
// The intake takes a token for each job; a timer's ticks bring new ones. While there is none it
// waits in its handler, its inbox fills, and the policy decides what becomes of one more job: the
// producer waits (block), is told (reject), or a job is dropped (drop_new, drop_old). Workers get
// the next job when they have done the last.
//
// With --seed all this happens in simulated time: at once, and always alike.
#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <grove/actors.hpp>

#include "options.hpp"

namespace {

using std::chrono::duration_cast;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;

struct Options {
  std::size_t producers = 4;
  std::size_t jobs = 50; // of each
  std::size_t capacity = 10;
  grove::Overflow policy = grove::Overflow::block;
  unsigned rate = 500;
  unsigned burst = 5;
  std::size_t workers = 3;
  unsigned work_ms = 4;
  std::optional<std::uint64_t> seed;
};

struct Job {
  std::uint64_t number;
};
struct Tick {};

// Fills the bucket of tokens, up to a burst.
class Metronome : public grove::Actor {
public:
  Metronome(grove::Semaphore* tokens, const Options& options)
      : tokens_(tokens), burst_(options.burst),
        period_(nanoseconds(std::chrono::seconds(1)) / options.rate) {}
  void on_start() override { ticks_ = self(*this).tell_every(period_, Tick{}); }
  void receive(const Tick&) {
    if (tokens_->value() < burst_)
      tokens_->release();
  }

private:
  grove::Semaphore* tokens_;
  std::ptrdiff_t burst_;
  nanoseconds period_;
  grove::TellTimer ticks_;
};

class Intake : public grove::Actor {
public:
  Intake(grove::Semaphore* tokens, grove::WorkQueue<Job> queue)
      : tokens_(tokens), queue_(std::move(queue)) {}
  void receive(const Job& job) {
    tokens_->acquire();
    queue_.put(job);
  }

private:
  grove::Semaphore* tokens_;
  grove::WorkQueue<Job> queue_;
};

class Worker : public grove::Actor {
public:
  explicit Worker(nanoseconds work) : work_(work) {}
  void receive(const Job&) { grove::sleep(work_); }

private:
  nanoseconds work_;
};

struct Counts {
  std::uint64_t offered = 0;
  std::uint64_t refused = 0; // InboxFull
  nanoseconds held_back{0};  // all producers together
};

void produce(const grove::ActorRef<Intake>& intake, std::size_t jobs, Counts& counts) {
  for (std::size_t i = 0; i < jobs; ++i) {
    const auto begin = grove::now();
    try {
      intake.tell(Job{counts.offered++});
    } catch (const grove::InboxFull&) {
      ++counts.refused;
    }
    counts.held_back += grove::now() - begin;
    grove::sleep(milliseconds(1));
  }
}

int work(const Options& options) {
  std::optional<grove::Simulation> simulation;
  if (options.seed)
    simulation.emplace(*options.seed);
  const auto begin = grove::now();
  const auto dropped_before = grove::Hub::current().stats().dropped_messages;

  grove::Semaphore tokens(options.burst);
  const grove::WorkQueue<Job> queue;
  const auto metronome = grove::spawn<Metronome>(&tokens, options);
  const auto intake = grove::spawn<Intake>(
      grove::ActorOptions{.inbox = {.capacity = options.capacity, .policy = options.policy}},
      &tokens, queue);
  std::vector<grove::ActorRef<Worker>> workers;
  for (std::size_t i = 0; i < options.workers; ++i) {
    workers.push_back(grove::spawn<Worker>(milliseconds(options.work_ms)));
    queue.add_worker(workers.back());
  }

  Counts counts;
  {
    grove::Group producers;
    for (std::size_t i = 0; i < options.producers; ++i)
      producers.spawn([&] { produce(intake, options.jobs, counts); });
    producers.join();
  }
  intake.stop(); // after all that it was told before
  intake.join();
  queue.join();
  const auto took = grove::now() - begin;
  metronome.kill();
  for (const auto& worker : workers)
    worker.kill();

  const auto dropped = grove::Hub::current().stats().dropped_messages - dropped_before;
  const auto done = queue.stats().done;
  fmt::print("{} jobs offered: {} done, {} refused, {} dropped\n", counts.offered, done,
             counts.refused, dropped);
  fmt::print("in {} ms, producers were held back for {} ms\n",
             duration_cast<milliseconds>(took).count(),
             duration_cast<milliseconds>(counts.held_back).count());

  const auto earliest = nanoseconds(std::chrono::seconds(1)) *
                        (done - std::min<std::uint64_t>(done, options.burst)) / options.rate;
  if (done + counts.refused + dropped != counts.offered) {
    fmt::print("some were lost\n");
    return 1;
  }
  if (took + milliseconds(1) < earliest) {
    fmt::print("that was too fast\n");
    return 1;
  }
  return 0;
}

int run(int argc, char** argv) {
  CLI::App app{"A work queue with a bounded inbox that lets in so many jobs a second."};
  Options options;
  std::string policy = "block";
  const std::map<std::string, grove::Overflow> policies{{"block", grove::Overflow::block},
                                                        {"reject", grove::Overflow::reject},
                                                        {"drop_new", grove::Overflow::drop_new},
                                                        {"drop_old", grove::Overflow::drop_old}};
  const CLI::Range some(1, 1'000'000);
  app.add_option("--policy", policy, "what a full inbox does with one more job")
      ->capture_default_str()
      ->check(CLI::IsMember({"block", "reject", "drop_new", "drop_old"}));
  app.add_option("--producers", options.producers, "how many")->capture_default_str()->check(some);
  app.add_option("--jobs", options.jobs, "of each producer")->capture_default_str()->check(some);
  app.add_option("--capacity", options.capacity, "of the inbox")
      ->capture_default_str()
      ->check(some);
  app.add_option("--rate", options.rate, "jobs a second")->capture_default_str()->check(some);
  app.add_option("--burst", options.burst, "jobs at once after a pause")
      ->capture_default_str()
      ->check(some);
  app.add_option("--workers", options.workers, "how many")->capture_default_str()->check(some);
  app.add_option("--work", options.work_ms, "milliseconds for a job")
      ->capture_default_str()
      ->check(CLI::Range(0, 60'000));
  app.add_option("--seed", options.seed, "simulate, with this seed");
  if (const auto status = sample::parse(app, argc, argv))
    return *status;
  options.policy = policies.at(policy);
  return work(options);
}

} // namespace

int main(int argc, char** argv) { return grove::main(argc, argv, run); }
