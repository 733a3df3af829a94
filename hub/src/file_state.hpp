// SPDX-License-Identifier: MIT
// File::State: what is behind a File, shared with the calls under way.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <grove/hub/async_result.hpp>
#include <grove/hub/event.hpp>
#include <grove/hub/file.hpp>
#include <grove/hub/thread_pool.hpp>
#include <grove/hub/timeout.hpp>

#include "file_calls.hpp"

namespace grove {

namespace detail {

// The result of a job; TimeoutError if the deadline comes first. Once it is there nothing takes it
// away. If `closing` is raised first there is no result, and false.
template <class T>
bool wait_for_job(const AsyncResult<T>& result, Event* closing, const char* what,
                  const std::string& name, Deadline deadline) {
  if (result.ready())
    return true;
  auto done = result.wait_op();
  done.arm();
  std::optional<Event::WaitOp> closed;
  if (closing != nullptr)
    closed.emplace(*closing).arm();
  if (park_until(what, deadline) == Wake::timeout)
    throw TimeoutError(std::string(what) + ": " + name + ": not in time");
  return result.ready();
}
template <class T>
T take_result(AsyncResult<T> result) {
  const Shield shield;
  return std::move(result).get();
}

} // namespace detail

struct File::State {
  static constexpr std::size_t largest_job = 256 * 1024; // bytes that one job reads or writes

  std::string name;
  std::shared_ptr<detail::Descriptor> descriptor;
  std::shared_ptr<detail::Descriptor> duplicate; // of a borrowed one, for threads
  detail::FileKind kind;
  bool append;
  detail::HomeCheck home;
  std::string buffer; // read, and not yet taken
  Event closed;
  detail::Identity* reader = nullptr; // of a pooled file: or writer, as both move the place
  detail::Identity* writer = nullptr;
  int calls = 0; // that did not wait, since one did

  State(std::shared_ptr<detail::Descriptor> opened, std::string its_name);

  int fd() const { return descriptor->number; }
  bool pooled() const { return kind == detail::FileKind::pooled; }
  detail::Identity*& turn_to_write() { return pooled() ? reader : writer; }
  // A job may outlast the call, and then its owner may close what is borrowed: jobs have another
  // number for the same open file, which stays theirs.
  void make_duplicate();
  const std::shared_ptr<detail::Descriptor>& worked_on() const {
    return duplicate != nullptr ? duplicate : descriptor;
  }
  off_t move_place(off_t offset, int whence) const;
  void must_be_open(const char* what) const;

  // A job about the file; Closed if the file is closed first.
  template <class Job>
  auto by_thread(Job job, const char* what, Deadline deadline);
  // `place` < 0: wherever the descriptor stands.
  std::string read_by_thread(std::size_t size, off_t place, const char* what, Deadline deadline);
  void write_by_thread(std::string_view data, off_t place, const char* what, Deadline deadline);

  // Past the buffer. The place moves when the data is taken: an interrupted read moves nothing.
  std::size_t read_some(char* into, std::size_t size, const char* what, Deadline deadline);
  // Adds to the buffer; false at the end of the file.
  bool fill(std::size_t size, const char* what, Deadline deadline);
  void write_all(std::string_view data, const char* what, Deadline deadline);

  // Gives a read ahead back, before the place matters.
  void drop_buffer();
  std::string take_front(std::size_t size);

private:
  void give_others_a_turn();
  void wait_until_ready(unsigned direction, const char* what, Deadline deadline);
};

template <class Job>
auto File::State::by_thread(Job job, const char* what, Deadline deadline) {
  using Result = decltype(job());
  // Nothing is written any more for who has gone, unless it has begun.
  const auto abandoned = std::make_shared<std::atomic<bool>>(false);
  auto result = default_thread_pool().submit([job = std::move(job), abandoned]() mutable {
    return abandoned->load(std::memory_order_relaxed) ? Result{} : job();
  });
  try {
    if (!detail::wait_for_job(result, &closed, what, name, deadline))
      must_be_open(what);
  } catch (...) {
    abandoned->store(true, std::memory_order_relaxed);
    throw;
  }
  return detail::take_result(std::move(result));
}

} // namespace grove
