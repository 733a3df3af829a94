// SPDX-License-Identifier: MIT
// Savina 4, Fork Join (creation): 40,000 actors with one message each.
#include <cstdint>
#include <vector>

#include <grove/actors/actor.hpp>
#include <grove/actors/spawn.hpp>
#include <grove/hub/join.hpp>

#include "savina/program.hpp"
#include "savina/work.hpp"

namespace {

constexpr std::int64_t actors = 40'000;

struct Work {};

class Worker : public grove::Actor {
public:
  explicit Worker(std::int64_t* done) : done_(done) {}
  void receive(const Work&) {
    savina::compute();
    ++*done_;
    stop();
  }

private:
  std::int64_t* done_;
};

auto fork_join() {
  std::int64_t done = 0;
  std::vector<grove::ActorRef<Worker>> workers;
  workers.reserve(actors);
  for (std::int64_t i = 0; i < actors; ++i) {
    workers.push_back(grove::spawn<Worker>(&done));
    workers.back().tell(Work{});
  }
  grove::join_all(workers);
  return [done] { savina::expect_equal("actors", done, actors); };
}

SAVINA_PROGRAM("fjcreate", fork_join);

} // namespace
