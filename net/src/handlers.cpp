// SPDX-License-Identifier: MIT
// The calls of a server's handler.
#include "handlers.hpp"

#include <algorithm>
#include <exception>
#include <optional>
#include <utility>

#include <grove/hub/assert_switches.hpp>
#include <grove/hub/detail/report.hpp>
#include <grove/hub/exceptions.hpp>
#include <grove/hub/wait_any.hpp>

namespace grove::net::detail {

Job::Job(Handlers& handlers)
    : handlers_(handlers), place_(handlers.all_.insert(handlers.all_.end(), this)) {}

Job::~Job() { handlers_.left(*this); }

void Handlers::left(Job& job) noexcept {
  all_.erase(job.place_);
  if (job.running_)
    --running_;
  ++ended_;
  wake_.set();
  changed_();
}

void Handlers::wait_for_room() {
  wake_.clear();
  Pool* pool = policy_.pool();
  if (running_ < limit_ && pool != nullptr)
    wait_any(pool->available_op(), wake_.wait_op());
  else
    wake_.wait();
}

void Handlers::start_first() {
  std::unique_ptr<Job> job = std::move(line_.front());
  line_.pop_front();
  job->running_ = true;
  ++running_;
  if (policy_.is_none()) {
    call(*job);
    return;
  }
  Job* started = job.get(); // it does not run before we wait
  auto run = [this, mine = std::move(job)] { call(*mine); };
  started->greenlet =
      policy_.pool() != nullptr ? policy_.pool()->spawn(std::move(run)) : spawn(std::move(run));
}

void Handlers::call(Job& job) {
  try {
    std::optional<AssertNoSwitch> no_waits;
    if (policy_.is_none())
      no_waits.emplace();
    job.run();
  } catch (const GreenletExit&) {
    throw;
  } catch (...) {
    ++failed_;
    if (job.greenlet)
      job.greenlet.set_name(job.name());
    grove::detail::report_unhandled(grove::detail::here().current, std::current_exception());
  }
}

void Handlers::kill_all() {
  for (Job* job : all_) { // none of them goes before we wait
    if (job->greenlet)
      job->greenlet.kill_nowait();
  }
}

bool Handlers::is_mine(const GreenletRef<>& greenlet) const {
  return greenlet && std::any_of(all_.begin(), all_.end(),
                                 [&](const Job* job) { return job->greenlet == greenlet; });
}

} // namespace grove::net::detail
