// SPDX-License-Identifier: MIT
// Simulation: time, order and chance of a hub, from a seed.
#pragma once

#include <cstdint>

#include <grove/hub/deadline.hpp>

namespace grove {

// While a Simulation lives, the hub of its thread is a function of the seed:
// - its clock is virtual: it stands still while anybody can run, and jumps to the next timer when
//   nobody can. Hours of sleep take milliseconds. now() reads it; std::chrono's clocks are not
//   concerned.
// - which of the runnable goes next is drawn from the seed at every dispatch (see `shuffle`). What
//   is promised stays: messages of one sender in their order, lines first come, first served.
// - random_number() is drawn from the seed.
// - jobs of a ThreadPool begin at turns that are drawn, one at a time; the hub stands still
//   meanwhile.
// Descriptors are still watched, without waiting while there is a timer to jump to: what the
// kernel, other threads and other processes do is not simulated. Made and destroyed by greenlets of
// the hub, one at a time (else std::logic_error). Timers that are left go on with what remains of
// their time; a Deadline that was made meanwhile is a point in simulated time.
class Simulation {
public:
  struct Options {
    std::uint64_t seed = 1;
    bool shuffle = true; // false: first come, first served, as without a Simulation
  };
  explicit Simulation(const Options& options);
  explicit Simulation(std::uint64_t seed) : Simulation(Options{seed, true}) {}
  Simulation(const Simulation&) = delete;
  Simulation& operator=(const Simulation&) = delete;
  ~Simulation();

  // Whether the calling thread has a hub, and that is under one.
  static bool is_on() noexcept;

  std::uint64_t seed() const { return seed_; }
  // How often somebody was chosen to run.
  std::uint64_t steps() const { return steps_; }
  // A hash of the choices: two runs that differ have done something that the seed does not govern.
  std::uint64_t trace() const { return trace_; }

  class Access; // the hub's side

private:
  std::uint64_t seed_;
  bool shuffle_;
  std::uint64_t state_;         // of the choices
  std::uint64_t random_before_; // the hub's own
  std::uint64_t steps_ = 0;
  std::uint64_t trace_ = 0xcbf29ce484222325; // FNV-1a
  std::uint32_t dispatches_ = 0;             // until the next poll
};

} // namespace grove
