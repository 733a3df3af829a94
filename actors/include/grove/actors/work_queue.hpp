// SPDX-License-Identifier: MIT
// WorkQueue: jobs that wait for a worker, which gets the next when it has done the last.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>

#include <grove/actors/actor.hpp>
#include <grove/actors/actor_ref.hpp>
#include <grove/actors/detail/work.hpp>
#include <grove/actors/inbox.hpp>
#include <grove/hub/deadline.hpp>

namespace grove {

struct WorkQueueOptions {
  std::size_t capacity = 0;          // jobs that wait, in no worker's hands; 0: no bound
  Overflow policy = Overflow::block; // what becomes of one more
  unsigned attempts = 0;             // a job that has failed so often is given up; 0: never
};

struct WorkQueueStats {
  std::size_t workers = 0;
  std::size_t waiting = 0;    // jobs, now
  std::size_t in_work = 0;    // likewise
  std::uint64_t done = 0;     // confirmed by their workers
  std::uint64_t returned = 0; // came back: their worker has failed or ended
  std::uint64_t refused = 0;  // by Rejected
  std::uint64_t given_up = 0; // after `attempts`
  std::uint64_t dropped = 0;  // there was no room
};

// WorkQueue<Job> hands jobs to workers, actors with a receive(const Job&), each of which has one
// at a time: a busy worker piles nothing up, a fast one gets more. A worker confirms its job by
// returning from the handler, or, when it returns an AsyncResult, by setting that. The job of a
// worker that fails or ends before goes to another, before those that wait: so one job may be begun
// twice, and is lost only with its queue. One that a worker refuses (it throws Rejected, or sets
// that) is done with, and counted. A job carries the trace id on that it was put under; it is no
// message that a worker could defer().
//
//   const WorkQueue<Picture> pictures({.capacity = 100});
//   pictures.add_worker(spawn<Scaler>());
//   pictures.put(Picture{"cat.png"}); // waits while 100 pictures wait
//
// It is a handle; copies are to the same queue. Any thread may use it, and workers may be of any
// hub. A queue lives as long as it has a handle or a worker.
template <std::move_constructible Job>
class WorkQueue {
public:
  explicit WorkQueue(const WorkQueueOptions& options = {})
      : state_(detail::make_work_queue(options)) {}

  // -- jobs --------------------------------------------------------------------------------------
  // Puts a job into the line, or into the hands of a worker that has none. When as many wait as
  // may: by `block` it waits for its turn (TimeoutError if the deadline comes first; a kill or a
  // Timeout scope ends the wait; nothing was put then), by `reject` it throws InboxFull, by
  // `drop_new` it returns false, by `drop_old` the job that has waited longest is dropped. Closed
  // if the queue is, or gets, closed. On a thread without a hub it blocks the thread.
  bool put(Job job, Deadline deadline = {}) const {
    const auto keep = state_; // this handle may go while we wait
    return detail::put_work(*keep, std::make_shared<Job>(std::move(job)), deadline);
  }
  // No more jobs: put() throws Closed, also to those who wait in it. Those that were put are done.
  void close() const { detail::close_work(*state_); }
  // Waits until no job is left, neither waiting nor in work. False if the deadline came first. A
  // kill or a Timeout scope ends the wait. On a hub.
  bool join(Deadline deadline = {}) const { return detail::join_work(*state_, deadline); }

  // -- workers -----------------------------------------------------------------------------------
  // It gets jobs from now on, past any bound of its inbox; until it ends for good. A restart by its
  // supervisor keeps it; the job that it had in work goes to another. False if it is a worker
  // already; ActorDown if it has ended. Of an actor of another hub it waits until that hub has
  // heard of it; a kill or a Timeout scope may end this wait on either side of the change.
  template <class A>
  bool add_worker(const ActorRef<A>& actor) const {
    static_assert(!detail::is_api<A>, "a worker is known by its class");
    detail::HandlersOf<A>::template check<Job>();
    detail::check_worker<A, Job>();
    return detail::add_worker(state_, actor.joinable(), detail::handle_work<A, Job>);
  }
  // It gets no more jobs; one that it has it may finish. False if it is none. Waits likewise.
  bool remove_worker(const ActorRef<Actor>& actor) const {
    return detail::remove_worker(state_, actor.joinable());
  }

  // As it was a moment ago.
  WorkQueueStats stats() const { return detail::stats_of(*state_); }

private:
  detail::WorkHandle state_;
};

} // namespace grove
