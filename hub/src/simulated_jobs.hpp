// SPDX-License-Identifier: MIT
// The jobs of a ThreadPool that come from hubs under a Simulation.
#pragma once

#include <algorithm>
#include <cstddef>
#include <deque>
#include <memory>
#include <utility>
#include <vector>

#include <grove/hub/detail/job.hpp>

#include "hub_impl.hpp"
#include "simulation.hpp"

namespace grove::detail {

// For each job its hub runs a greenlet, at a turn that the seed draws, which takes one of the jobs:
// these turns are the hub's, their order among the jobs the pool's. Guarded by the pool's mutex.
class SimulatedJobs {
public:
  bool empty() const { return jobs_.empty(); }
  bool over() const { return jobs_.empty() && running_ == 0; }
  std::size_t size() const { return jobs_.size(); }

  void put(Hub& hub, std::unique_ptr<Job> job) { jobs_.push_back({&hub, std::move(job)}); }
  // It is the hub's turn: one of the first `threads` jobs of it, those that would be under way by
  // now. None if there are no threads (the turn is made up for later), or no jobs any more.
  std::unique_ptr<Job> take(Hub& hub, std::size_t threads) {
    const auto count = static_cast<std::size_t>(
        std::count_if(jobs_.begin(), jobs_.end(), [&](const Entry& e) { return e.hub == &hub; }));
    if (count == 0)
      return nullptr;
    Simulation* const simulation = HubImpl::of(hub).simulation;
    std::size_t skip = 0;
    if (simulation != nullptr && threads != 0)
      skip = Simulation::Access::draw(*simulation, std::min(count, threads));
    auto at = jobs_.begin();
    for (; at != jobs_.end(); ++at) {
      if (at->hub != &hub || (threads == 0 && at->overdue))
        continue;
      if (skip-- == 0)
        break;
    }
    if (at == jobs_.end()) // jobs were killed: there are more turns than jobs
      return nullptr;
    if (threads == 0) {
      at->overdue = true;
      return nullptr;
    }
    std::unique_ptr<Job> job = std::move(at->job);
    jobs_.erase(at);
    ++running_;
    return job;
  }
  void done() { --running_; } // one that was taken
  // The hubs whose turns came while there were no threads, once for each.
  std::vector<Hub*> overdue() {
    std::vector<Hub*> hubs;
    for (Entry& entry : jobs_) {
      if (std::exchange(entry.overdue, false))
        hubs.push_back(entry.hub);
    }
    return hubs;
  }
  void move_to(std::deque<std::unique_ptr<Job>>& others) {
    for (Entry& entry : jobs_)
      others.push_back(std::move(entry.job));
    jobs_.clear();
  }

private:
  struct Entry {
    Hub* hub;
    std::unique_ptr<Job> job;
    bool overdue = false;
  };
  std::deque<Entry> jobs_;
  std::size_t running_ = 0;
};

} // namespace grove::detail
