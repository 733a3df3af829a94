// SPDX-License-Identifier: MIT
// Work queues: which job goes to whom, and which comes back.
#include <grove/actors/work_queue.hpp>

#include <algorithm>
#include <mutex>
#include <string>
#include <utility>

#include <grove/actors/trace.hpp>
#include <grove/hub/exceptions.hpp>

#include "work_state.hpp"

namespace grove::detail {

// -- to the workers ------------------------------------------------------------------------------

QueuedJob WorkState::take_waiting() {
  QueuedJob job = std::move(waiting.front());
  waiting.pop_front();
  count = waiting.size();
  return job;
}

// If there is no memory for it nothing has changed, and whoever comes next tries again.
void WorkState::hand_out(WorkOutbox& out) {
  while (!idle.empty() && !(waiting.empty() && returned.empty())) {
    const IdentityRef actor = idle.front();
    QueueWorker& worker = workers.find(actor)->second;
    const QueuedJob& next = returned.empty() ? waiting.front() : returned.front();
    Mail* mail = make_mail<Assignment>(
        *this_hub, worker.handle,
        Assignment{shared_from_this(), actor, tickets + 1, next.body, next.trace});
    idle.pop_front();
    worker.ticket = ++tickets;
    worker.deferred = false;
    if (returned.empty()) {
      worker.job = take_waiting();
    } else {
      worker.job = std::move(returned.front());
      returned.pop_front();
    }
    ++in_work;
    out.put(actor, mail);
  }
}

void WorkState::try_hand_out(WorkOutbox& out) noexcept {
  try {
    hand_out(out);
  } catch (...) { // no memory for it
  }
}

void WorkState::make_idle(const IdentityRef& actor, WorkOutbox& out) noexcept {
  const auto found = workers.find(actor);
  if (found == workers.end())
    return;
  if (found->second.leaving) {
    workers.erase(found);
    return;
  }
  try {
    idle.push_back(actor);
    hand_out(out);
  } catch (...) { // no memory for it
  }
}

// The job in its hands goes to another.
void WorkState::take_back(QueueWorker& worker) noexcept {
  worker.ticket = 0;
  --in_work;
  ++counts.returned;
  returned.push_back(std::move(worker.job));
}

namespace {
// One that has failed may be about to end, or to be started again: it gets its next job when it has
// handled this.
void handle_alive(Identity* actor, Mail* mail) {
  const Envelope<Assignment> envelope(mail);
  const Assignment& work = envelope.body();
  WorkState& queue = *work.queue;
  bool has_left = false;
  {
    WorkOutbox out;
    const SharedSection section(queue);
    const auto found = queue.workers.find(work.worker);
    if (found == queue.workers.end() || found->second.resting != work.ticket)
      return; // it was removed meanwhile
    found->second.resting = 0;
    has_left = found->second.leaving;
    if (actor == nullptr)
      queue.forget(work.worker);
    else
      queue.make_idle(work.worker, out);
  }
  if (has_left && actor != nullptr)
    leave_membership(work.worker, queue);
}
} // namespace

void WorkState::fail(const IdentityRef& actor, QueueWorker& worker, WorkOutbox& out) noexcept {
  ++worker.job.failures;
  if (options.attempts != 0 && worker.job.failures >= options.attempts) {
    worker.ticket = 0;
    worker.job.body.reset();
    --in_work;
    ++counts.given_up;
  } else {
    take_back(worker);
  }
  try {
    out.put(actor,
            make_mail<Assignment>(*this_hub, handle_alive,
                                  Assignment{shared_from_this(), actor, tickets + 1, {}, 0}));
    worker.resting = ++tickets;
    hand_out(out);
  } catch (...) { // no memory for it
  }
}

void WorkState::forget(const IdentityRef& actor) noexcept {
  workers.erase(actor);
  std::erase_if(idle, [&](const IdentityRef& one) { return same(one, actor); });
}

void WorkState::tell_joiners() noexcept {
  if (!nothing_left())
    return;
  for (const auto& [ticket, joiner] : std::exchange(joiners, {}))
    joiner.set();
}

void settle(const Assignment& work, Outcome outcome) noexcept {
  WorkState& queue = *work.queue;
  bool has_left = false;
  {
    QueuedJob done; // let go of after the mutex, as is what is sent
    WorkOutbox out;
    const SharedSection section(queue);
    const auto found = queue.workers.find(work.worker);
    if (found == queue.workers.end() || found->second.ticket != work.ticket)
      return; // it was taken back
    QueueWorker& worker = found->second;
    has_left = worker.leaving;
    switch (outcome) {
    case Outcome::confirmed:
    case Outcome::refused:
      ++(outcome == Outcome::confirmed ? queue.counts.done : queue.counts.refused);
      worker.ticket = 0;
      done = std::move(worker.job);
      --queue.in_work;
      queue.make_idle(work.worker, out);
      break;
    case Outcome::failed:
      queue.fail(work.worker, worker, out);
      break;
    case Outcome::lost:
      queue.take_back(worker);
      queue.forget(work.worker);
      queue.try_hand_out(out);
      break;
    }
    queue.tell_joiners();
  }
  if (has_left && is_here(work.worker))
    leave_membership(work.worker, queue);
}

void settle_later(const Assignment& work) noexcept {
  const std::lock_guard lock(work.queue->mutex);
  const auto found = work.queue->workers.find(work.worker);
  if (found != work.queue->workers.end() && found->second.ticket == work.ticket)
    found->second.deferred = true;
}

// -- workers: on their hub -----------------------------------------------------------------------

void WorkState::actor_ended(const IdentityRef& actor) noexcept {
  WorkOutbox out;
  const SharedSection section(*this);
  const auto found = workers.find(actor);
  if (found == workers.end())
    return;
  if (found->second.ticket != 0)
    take_back(found->second);
  forget(actor);
  try_hand_out(out);
}

// What it has in its inbox is for who is started in its place. What it has promised is not.
bool WorkState::object_ended(const IdentityRef& actor) noexcept {
  WorkOutbox out;
  const SharedSection section(*this);
  const auto found = workers.find(actor);
  if (found == workers.end())
    return false;
  if (found->second.ticket != 0 && found->second.deferred)
    fail(actor, found->second, out);
  tell_joiners();
  return true;
}

bool add_worker(const WorkHandle& queue, const IdentityRef& actor, WorkHandler handle) {
  return at_home_of(actor, "WorkQueue.add_worker", [queue, actor, handle] {
    enter_membership(actor, queue);
    WorkOutbox out;
    const SharedSection section(*queue);
    const auto [place, is_new] = queue->workers.try_emplace(actor);
    if (!is_new) // it may have been about to leave
      return std::exchange(place->second.leaving, false);
    place->second.handle = handle;
    queue->make_idle(actor, out);
    return true;
  });
}

bool remove_worker(const WorkHandle& queue, const IdentityRef& actor) {
  try {
    return at_home_of(actor, "WorkQueue.remove_worker", [queue, actor] {
      bool stays = false;
      {
        const SharedSection section(*queue);
        const auto found = queue->workers.find(actor);
        if (found == queue->workers.end() || found->second.leaving)
          return false;
        stays = found->second.ticket != 0;
        if (stays)
          found->second.leaving = true;
        else
          queue->forget(actor);
      }
      if (!stays)
        leave_membership(actor, *queue);
      return true;
    });
  } catch (const ActorDown&) {
    return false;
  }
}

// -- producers -----------------------------------------------------------------------------------

WorkHandle make_work_queue(const WorkQueueOptions& options) {
  return std::make_shared<WorkState>(options);
}

bool put_work(WorkState& queue, std::shared_ptr<void> job, Deadline deadline) {
  if (on_a_hub())
    check_interrupts();
  QueuedJob dropped; // let go of after the mutex, as is what is sent
  WorkOutbox out;
  SharedSection section(queue);
  if (queue.closed)
    throw Closed("WorkQueue.put: the queue is closed");
  if (!queue.has_room()) {
    switch (queue.options.policy) {
    case Overflow::block:
      queue.wait(queue.putters, section.lock, "WorkQueue.put", deadline);
      if (queue.closed)
        throw Closed("WorkQueue.put: the queue was closed");
      break;
    case Overflow::reject:
      ++queue.counts.dropped;
      throw InboxFull("WorkQueue.put: " + std::to_string(queue.maxsize) + " jobs wait already");
    case Overflow::drop_new:
      ++queue.counts.dropped;
      return false;
    case Overflow::drop_old:
      ++queue.counts.dropped;
      dropped = queue.take_waiting();
      break;
    }
  }
  queue.waiting.push_back({std::move(job), current_trace()});
  queue.count = queue.waiting.size();
  queue.hand_out(out);
  return true;
}

void close_work(WorkState& queue) {
  const SharedSection section(queue);
  queue.closed = true;
}

bool join_work(WorkState& queue, Deadline deadline) {
  (void)here(); // whoever waits has a hub
  check_interrupts();
  const AsyncResult<void> done;
  std::uint64_t ticket = 0;
  {
    const std::lock_guard lock(queue.mutex);
    if (queue.nothing_left())
      return true;
    ticket = ++queue.tickets;
    queue.joiners.emplace(ticket, done);
  }
  struct Leave {
    WorkHandle queue;
    std::uint64_t ticket;
    ~Leave() {
      const std::lock_guard lock(queue->mutex);
      queue->joiners.erase(ticket);
    }
  } const leave{queue.shared_from_this(), ticket};
  return done.wait(deadline);
}

WorkQueueStats stats_of(WorkState& queue) {
  const std::lock_guard lock(queue.mutex);
  WorkQueueStats stats = queue.counts;
  stats.workers = queue.workers.size();
  stats.waiting = queue.waiting.size() + queue.returned.size();
  stats.in_work = queue.in_work;
  return stats;
}

} // namespace grove::detail
