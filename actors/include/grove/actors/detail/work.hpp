// SPDX-License-Identifier: MIT
// How a worker of a WorkQueue is given its job, and confirms it.
#pragma once

#include <concepts>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include <grove/actors/detail/ask.hpp>
#include <grove/actors/detail/stash.hpp>
#include <grove/actors/result.hpp>
#include <grove/actors/trace.hpp>
#include <grove/hub/async_result.hpp>

namespace grove {

struct WorkQueueOptions;
struct WorkQueueStats;

namespace detail {

class WorkState;
using WorkHandle = std::shared_ptr<WorkState>;
using WorkHandler = void (*)(Identity*, Mail*);

WorkHandle make_work_queue(const WorkQueueOptions& options);
bool put_work(WorkState& queue, std::shared_ptr<void> job, Deadline deadline);
void close_work(WorkState& queue);
bool join_work(WorkState& queue, Deadline deadline);
bool add_worker(const WorkHandle& queue, const IdentityRef& actor, WorkHandler handle);
bool remove_worker(const WorkHandle& queue, const IdentityRef& actor);
WorkQueueStats stats_of(WorkState& queue);

// What a worker gets. The queue keeps the job too, until it is settled.
struct Assignment {
  WorkHandle queue;
  IdentityRef worker;
  std::uint64_t ticket;
  std::shared_ptr<void> job;
  std::uint64_t trace; // as with a message
};

enum class Outcome : std::uint8_t {
  confirmed,
  refused,
  failed, // the worker may be alive
  lost,   // the worker has not seen it, and will not
};
// Any thread; a second time it changes nothing.
void settle(const Assignment& work, Outcome outcome) noexcept;
// It will be settled after the handler's return.
void settle_later(const Assignment& work) noexcept;

// Follows what a handler has returned.
template <class Value>
struct Confirmation : Sequel<Value> {
  Assignment work;
  explicit Confirmation(Assignment w) : work(std::move(w)) {}
  ~Confirmation() override {
    if (work.queue != nullptr) // nobody can confirm any more
      settle(work, Outcome::failed);
  }
  void run(const std::exception_ptr& error, Value*) noexcept override {
    settle(work, error == nullptr                       ? Outcome::confirmed
                 : kind_of(error) == AskError::rejected ? Outcome::refused
                                                        : Outcome::failed);
    work.queue.reset();
  }
};
template <class R>
void confirm_with(const AsyncResult<R>& result, const Assignment& work) {
  settle_later(work);
  AsyncAccess::then(result, std::make_unique<Confirmation<AsyncValue<R>>>(work));
}

template <class A, class Job>
constexpr void check_worker() {
  static_assert(LeavesMessage<A, Job> || std::copy_constructible<Job>,
                "a worker that takes its job away must get a copy, as another may need it: let "
                "receive() take a const reference, or make the job copyable");
  if constexpr (!AnswerTo<ReplyOf<A, Job>>::now) {
    constexpr bool is_promise = requires(const ReplyOf<A, Job>& promise, Assignment work) {
      confirm_with(promise, work);
    };
    static_assert(is_promise, "a worker does its job itself: its receive() must not forward it");
  }
}

template <class A, class Job>
decltype(auto) call_worker(Identity* actor, Job& job) {
  if constexpr (LeavesMessage<A, Job>) {
    return call<A>(actor, job, false);
  } else { // a second attempt needs it whole
    Job copy(job);
    return call<A>(actor, copy, false);
  }
}

template <class A, class Job>
void handle_work(Identity* actor, Mail* mail) {
  const Envelope<Assignment> envelope(mail);
  const Assignment& work = envelope.body();
  if (actor == nullptr) {
    settle(work, Outcome::lost);
    return;
  }
  Job& job = *static_cast<Job*>(work.job.get());
  std::optional<TraceScope> trace;
  if (work.trace != 0)
    trace.emplace(work.trace);
  try {
    if constexpr (!AnswerTo<ReplyOf<A, Job>>::now) {
      confirm_with(call_worker<A>(actor, job), work);
    } else {
      call_worker<A>(actor, job);
      settle(work, Outcome::confirmed);
    }
  } catch (const Rejected&) {
    settle(work, Outcome::refused);
  } catch (...) { // a kill, too
    settle(work, Outcome::failed);
    throw;
  }
}

} // namespace detail

} // namespace grove
