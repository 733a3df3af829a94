// SPDX-License-Identifier: MIT
// Savina 3, Fork Join (throughput): 10,000 messages to each of 60 actors, in turn. The sender gives
// way after each round, as there is no other thread to run them meanwhile.
#include <cstdint>
#include <vector>

#include <grove/actors/actor.hpp>
#include <grove/actors/spawn.hpp>
#include <grove/hub/greenlet.hpp>
#include <grove/hub/join.hpp>

#include "savina/program.hpp"
#include "savina/work.hpp"

namespace {

constexpr std::int64_t messages = 10'000;
constexpr std::int64_t actors = 60;

struct Work {};

class Worker : public grove::Actor {
public:
  explicit Worker(std::int64_t* done) : done_(done) {}
  void receive(const Work&) {
    savina::compute();
    ++*done_;
    if (++worked_ == messages)
      stop();
  }

private:
  std::int64_t* done_;
  std::int64_t worked_ = 0;
};

auto fork_join() {
  std::int64_t done = 0;
  std::vector<grove::ActorRef<Worker>> workers;
  for (std::int64_t i = 0; i < actors; ++i)
    workers.push_back(grove::spawn<Worker>(&done));
  for (std::int64_t i = 0; i < messages; ++i) {
    for (const auto& worker : workers)
      worker.tell(Work{});
    grove::yield();
  }
  grove::join_all(workers);
  return [done] { savina::expect_equal("messages", done, actors * messages); };
}

SAVINA_PROGRAM("fjthrput", fork_join);

} // namespace
