// SPDX-License-Identifier: MIT
// Handlers: the calls of a server's handler that wait for their turn or are under way.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <utility>

#include <grove/hub/deadline.hpp>
#include <grove/hub/event.hpp>
#include <grove/hub/greenlet.hpp>
#include <grove/net/spawn_policy.hpp>

namespace grove::net::detail {

class Handlers;

// One call. It is destroyed at its end, by the greenlet that ran it.
class Job {
public:
  explicit Job(Handlers& handlers);
  Job(const Job&) = delete;
  Job& operator=(const Job&) = delete;
  virtual ~Job();
  virtual void run() = 0;
  virtual std::string name() const = 0; // for reports: "connection from 127.0.0.1:4711"

  GreenletRef<> greenlet; // empty before it has begun, and if it needs none

private:
  friend class Handlers;
  Handlers& handlers_;
  std::list<Job*>::iterator place_;
  bool running_ = false;
};

class Handlers {
public:
  // `changed` is called at each end of a job. It must neither wait nor throw.
  Handlers(const SpawnPolicy& policy, std::size_t limit, std::function<void()> changed)
      : policy_(policy), limit_(limit), changed_(std::move(changed)) {}
  Handlers(const Handlers&) = delete;
  Handlers& operator=(const Handlers&) = delete;

  // Jobs that exist: in line and under way, the oldest first.
  const std::list<Job*>& all() const { return all_; }
  bool empty() const { return all_.empty(); }
  std::uint64_t ended() const { return ended_; }
  std::uint64_t failed() const { return failed_; }

  bool has_room() const {
    return running_ < limit_ && (policy_.pool() == nullptr || !policy_.pool()->full());
  }
  // Waits until it may have, or somebody calls wake().
  void wait_for_room();
  void wake() { wake_.set(); }

  void line_up(std::unique_ptr<Job> job) { line_.push_back(std::move(job)); }
  bool in_line() const { return !line_.empty(); }
  // Starts the first in line, which there is room for. What making a greenlet throws comes out, and
  // that job is gone.
  void start_first();

  void drop_line() { line_.clear(); }
  void kill_all(); // who runs
  bool is_mine(const GreenletRef<>& greenlet) const;

private:
  friend class Job;
  void call(Job& job);
  void left(Job& job) noexcept;

  SpawnPolicy policy_;
  std::size_t limit_;
  std::function<void()> changed_;
  std::list<Job*> all_;
  std::deque<std::unique_ptr<Job>> line_;
  std::size_t running_ = 0;
  std::uint64_t ended_ = 0;
  std::uint64_t failed_ = 0;
  Event wake_;
};

} // namespace grove::net::detail
