// SPDX-License-Identifier: MIT
// Results: what imap gives, an input range of results that are still being made.
#pragma once

#include <cstddef>
#include <deque>
#include <exception>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <grove/hub/deadline.hpp>
#include <grove/hub/detail/wait.hpp>
#include <grove/hub/exceptions.hpp>

namespace grove {

namespace detail {

// The reader's side of an imap; Stream, in group_work.hpp, is the other.
template <class T>
class ResultsState {
public:
  ResultsState(bool ordered, std::size_t maxsize) : ordered_(ordered), maxsize_(maxsize) {}
  ResultsState(const ResultsState&) = delete;
  ResultsState& operator=(const ResultsState&) = delete;
  virtual ~ResultsState() {
    readers_.break_all();
    woken_.forsake_all();
  }

  std::optional<T> next(Deadline deadline, const char* what = "imap.next") {
    home_(what);
    check_interrupts();
    while (entries_.empty() || !entries_.front().come) {
      if (first_error_ != nullptr)
        std::rethrow_exception(first_error_);
      if (entries_.empty() && at_end_) {
        if (error_)
          std::rethrow_exception(std::exchange(error_, nullptr));
        return std::nullopt;
      }
      Waiter waiter;
      readers_.push_back(waiter);
      if (park_until(what, deadline) == Wake::timeout)
        throw TimeoutError(std::string(what) + ": no result in time");
      if (waiter.broken)
        throw Closed(std::string(what) + ": the results were destroyed");
    }
    Entry entry = std::move(entries_.front());
    entries_.pop_front();
    ++read_;
    feeder_.grant_one();
    if (entry.error)
      std::rethrow_exception(entry.error);
    return std::move(entry.value);
  }

  // An error comes out as soon as the reader has to wait, not only when it is its turn.
  void fail_early() { fails_early_ = true; }

protected:
  struct Entry {
    bool come = false;
    std::exception_ptr error;
    std::optional<T> value;
  };

  bool has_room() const { return maxsize_ == 0 || entries_.size() < maxsize_; }
  void wait_for_room() {
    while (!has_room()) {
      Waiter waiter;
      feeder_.push_back(waiter);
      park("imap: for its reader");
    }
  }
  // A place for the result of one more item; its number.
  std::size_t begin_item() {
    entries_.emplace_back();
    return begun_++;
  }
  Entry& entry_of(std::size_t item) { return entries_[(ordered_ ? item : delivered_++) - read_]; }
  void deliver(Entry& entry) noexcept {
    entry.come = true;
    note(entry.error);
    if (entries_.front().come || first_error_ != nullptr)
      readers_.grant_all_into(woken_);
  }
  // No more will begin.
  void end(std::exception_ptr error) noexcept {
    note(error);
    error_ = std::move(error);
    at_end_ = true;
    readers_.grant_all_into(woken_);
  }

private:
  void note(const std::exception_ptr& error) noexcept {
    if (fails_early_ && first_error_ == nullptr)
      first_error_ = error;
  }

  HomeCheck home_;
  bool ordered_;
  bool fails_early_ = false;
  std::size_t maxsize_;
  std::deque<Entry> entries_; // of items that have begun and were not read
  std::size_t begun_ = 0;
  std::size_t delivered_ = 0;
  std::size_t read_ = 0;
  bool at_end_ = false;
  std::exception_ptr error_;       // of the source
  std::exception_ptr first_error_; // if it fails early
  WaitList readers_;
  WaitList woken_; // readers that have not run yet
  WaitList feeder_;
};

} // namespace detail

// Results<T> is read with a range-for, or with next(), which takes a time limit. Hub-local. A kill,
// a Timeout scope or a deadline that ends a wait loses no result. Destroying it kills what is under
// way for it and waits for that, behind a Shield. It must not outlive its hub.
template <class T>
class Results {
public:
  explicit Results(std::unique_ptr<detail::ResultsState<T>> state) : state_(std::move(state)) {}

  // The next result, or none at the end; waits for it. Throws what its item threw (Killed if its
  // greenlet was killed), after which the next call gives the next result; at the end, once, what
  // the source of the items threw. TimeoutError if the deadline came first.
  std::optional<T> next(Deadline deadline = {}) { return state_->next(deadline); }

  class Iterator {
  public:
    using value_type = T;
    using difference_type = std::ptrdiff_t;
    using iterator_concept = std::input_iterator_tag;

    explicit Iterator(Results& results) : results_(&results) {}
    T& operator*() const { return *results_->current_; }
    Iterator& operator++() {
      results_->current_ = results_->next();
      return *this;
    }
    void operator++(int) { ++*this; }
    friend bool operator==(const Iterator& i, std::default_sentinel_t) { return i.at_end(); }

  private:
    bool at_end() const { return !results_->current_.has_value(); }
    Results* results_;
  };
  // Reads on from where it stands: to be called once.
  Iterator begin() { return ++Iterator(*this); }
  std::default_sentinel_t end() const { return {}; }

private:
  friend class Group;
  std::unique_ptr<detail::ResultsState<T>> state_;
  std::optional<T> current_;
};

} // namespace grove
