// SPDX-License-Identifier: MIT
// wait: tells which of many are ready, and takes nothing.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <iterator>
#include <limits>
#include <memory>
#include <ranges>
#include <utility>
#include <vector>

#include <grove/hub/deadline.hpp>
#include <grove/hub/detail/operation.hpp>
#include <grove/hub/join.hpp>
#include <grove/hub/wait_any.hpp>

namespace grove {

namespace detail {

// One of those that are waited for, whatever it is.
class Watched {
public:
  Watched() = default;
  Watched(const Watched&) = delete;
  Watched& operator=(const Watched&) = delete;
  virtual ~Watched() = default;
  virtual bool ready() = 0;
  virtual void arm() = 0;
  virtual void disarm() = 0;
  // Among those that are found ready at once: which of the hub's ends it was; null if unknown.
  virtual const std::uint32_t* order() const { return nullptr; }
};
template <class Op>
class WatchedOp final : public Watched {
public:
  template <class Make>
  explicit WatchedOp(Make make) : op_(make()) {}
  bool ready() override { return op_.woken() || op_.ready(); } // a flag may be down again
  void arm() override {
    op_.reset();
    op_.arm();
  }
  void disarm() override { op_.disarm(); }
  const std::uint32_t* order() const override {
    if constexpr (requires { op_.order(); })
      return op_.order();
    else
      return nullptr;
  }

private:
  Op op_;
};

template <class T>
concept HasWaitOp = requires(T& object) {
  { object.wait_op() } -> std::derived_from<Operation>;
};
// The object itself, or what a pointer or std::reference_wrapper leads to.
template <class T>
decltype(auto) waited_object(T& object) {
  if constexpr (HasWaitOp<T>)
    return (object);
  else if constexpr (std::convertible_to<T&, Joinable>)
    return Joinable(object);
  else if constexpr (requires { object.get().wait_op(); })
    return (object.get());
  else
    return (*object);
}
template <class T>
std::unique_ptr<Watched> watch(T& object) {
  auto&& target = waited_object(object);
  using Op = decltype(target.wait_op());
  return std::make_unique<WatchedOp<Op>>([&] { return target.wait_op(); });
}

// The part of a WaitRange that does not depend on what is waited for.
class WaitSet {
public:
  WaitSet(std::vector<std::unique_ptr<Watched>> all, Deadline deadline, std::size_t count)
      : watched_(std::move(all)), deadline_(deadline), left_(std::min(count, watched_.size())) {}
  // The index of the next that is ready; npos if the count is full or the deadline came first.
  // Suspends while none is.
  std::size_t next();
  static constexpr std::size_t npos = std::numeric_limits<std::size_t>::max();

private:
  void collect();
  std::vector<std::unique_ptr<Watched>> watched_; // null once it was reported, or is about to be
  std::vector<std::size_t> ready_;                // to be reported, the last one first
  Deadline deadline_;
  std::size_t left_;
};

} // namespace detail

// What wait() can wait for: a greenlet or actor (its end), an Event, an AsyncResult, whatever has a
// wait_op(); or a pointer or std::reference_wrapper to one.
template <class T>
concept Waitable = requires(T& object) {
  detail::waited_object(object).wait_op();
};

struct WaitOptions {
  Deadline deadline{};
  std::size_t count = std::numeric_limits<std::size_t>::max(); // so many are enough
};

// The elements of a range, each once, in the order in which they become ready; those that are when
// it is looked come first. It ends when all (or `count`) were seen, or at the deadline. Going to
// the next is a suspension point. Hub-local; what it waits for must outlive it, and stands in no
// line any more when it is gone.
template <std::ranges::forward_range R>
class WaitRange {
public:
  WaitRange(R&& range, const WaitOptions& options)
      : range_(std::forward<R>(range)), set_(watch(), options.deadline, options.count) {}

  class iterator {
  public:
    using value_type = std::ranges::range_value_t<R>;
    using difference_type = std::ptrdiff_t;
    decltype(auto) operator*() const { return *owner_->elements_[owner_->at_]; }
    iterator& operator++() {
      owner_->at_ = owner_->set_.next();
      return *this;
    }
    void operator++(int) { ++*this; }
    bool operator==(std::default_sentinel_t) const { return owner_->at_ == detail::WaitSet::npos; }

  private:
    friend class WaitRange;
    explicit iterator(WaitRange& owner) : owner_(&owner) {}
    WaitRange* owner_;
  };
  iterator begin() {
    at_ = set_.next();
    return iterator(*this);
  }
  std::default_sentinel_t end() const { return {}; }

private:
  std::vector<std::unique_ptr<detail::Watched>> watch() {
    std::vector<std::unique_ptr<detail::Watched>> all;
    for (auto it = std::ranges::begin(range_); it != std::ranges::end(range_); ++it) {
      elements_.push_back(it);
      all.push_back(detail::watch(*it));
    }
    return all;
  }
  R range_;
  std::vector<std::ranges::iterator_t<R>> elements_;
  detail::WaitSet set_;
  std::size_t at_ = detail::WaitSet::npos;
};

// `for (auto& done : wait(greenlets, {.deadline = 1s}))`.
template <std::ranges::forward_range R>
requires Waitable<std::remove_reference_t<std::ranges::range_reference_t<R>>>
[[nodiscard]] WaitRange<R> wait(R&& range, const WaitOptions& options = {}) {
  return WaitRange<R>(std::forward<R>(range), options);
}

// Succeeds when it has ended. For wait_any(), where it is ended(...).
class Joinable::EndOp : public ended {
public:
  using ended::ended;
  const std::uint32_t* order() const { return order_of_end(); }
};
inline Joinable::EndOp Joinable::wait_op() const { return EndOp(*this); }

} // namespace grove
