// SPDX-License-Identifier: MIT
// WorkState: what a WorkQueue knows of its jobs and workers.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <unordered_map>

#include <grove/actors/work_queue.hpp>
#include <grove/hub/async_result.hpp>
#include <grove/hub/detail/queue_common.hpp>
#include <grove/hub/detail/shared_wait.hpp>

#include "membership.hpp"

namespace grove::detail {

// One that waits, or is in somebody's hands.
struct QueuedJob {
  std::shared_ptr<void> body;
  std::uint64_t trace = 0;
  unsigned failures = 0;
};

struct QueueWorker {
  WorkHandler handle = nullptr;
  std::uint64_t ticket = 0; // of the job in its hands; 0: none
  QueuedJob job{};
  std::uint64_t resting = 0; // it has failed: idle again when it has handled mail of that ticket
  bool deferred = false;     // its handler has returned
  bool leaving = false;
};

// What is to be sent when the mutex is free: mail that cannot be delivered comes back at once.
class WorkOutbox {
public:
  WorkOutbox() = default;
  WorkOutbox(const WorkOutbox&) = delete;
  WorkOutbox& operator=(const WorkOutbox&) = delete;
  ~WorkOutbox() {
    while (Mail* mail = head_) {
      head_ = mail->next;
      send_signal({mail->target, mail->generation}, mail);
    }
  }
  void put(const IdentityRef& to, Mail* mail) {
    mail->target = to.identity;
    mail->generation = to.generation;
    mail->next = nullptr;
    *tail_ = mail;
    tail_ = &mail->next;
  }

private:
  Mail* head_ = nullptr;
  Mail** tail_ = &head_;
};

// The jobs that wait are its items, their putters its line.
class WorkState : public Membership,
                  public SharedQueueState,
                  public std::enable_shared_from_this<WorkState> {
public:
  explicit WorkState(const WorkQueueOptions& o)
      : SharedQueueState(checked_maxsize("WorkQueue", o.capacity)), options(o) {}

  void actor_ended(const IdentityRef& actor) noexcept override;
  bool object_ended(const IdentityRef& actor) noexcept override;

  // -- under the mutex
  QueuedJob take_waiting();
  void hand_out(WorkOutbox& out);
  void try_hand_out(WorkOutbox& out) noexcept;
  void make_idle(const IdentityRef& actor, WorkOutbox& out) noexcept;
  void take_back(QueueWorker& worker) noexcept;
  void fail(const IdentityRef& actor, QueueWorker& worker, WorkOutbox& out) noexcept;
  void forget(const IdentityRef& actor) noexcept;
  void tell_joiners() noexcept;
  bool nothing_left() const { return waiting.empty() && returned.empty() && in_work == 0; }

  const WorkQueueOptions options;
  std::deque<QueuedJob> waiting;
  std::deque<QueuedJob> returned; // they go first, and are beyond the bound
  std::unordered_map<IdentityRef, QueueWorker, ActorHash, SameActor> workers;
  std::deque<IdentityRef> idle; // who has waited longest first
  std::map<std::uint64_t, AsyncResult<void>> joiners;
  std::size_t in_work = 0;
  std::uint64_t tickets = 0;
  WorkQueueStats counts;
};

} // namespace grove::detail
