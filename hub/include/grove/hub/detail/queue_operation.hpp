// SPDX-License-Identifier: MIT
// Putting into, and getting from, a queue or a channel as operations of wait_any().
#pragma once

#include <optional>
#include <utility>

#include <grove/hub/detail/operation.hpp>
#include <grove/hub/exceptions.hpp>

namespace grove::detail {

template <class Source>
class GetOp : public Operation {
public:
  using Result = typename Source::value_type;
  explicit GetOp(Source& source) : source_(source) { this->waiter_.item = &item_; }
  bool ready() const { return source_.get_would_not_wait(); }
  void arm() { source_.getters_.push_back(this->waiter_); }
  Result take() {
    if (this->waiter_.broken)
      throw Closed("wait_any: what an item was to come from was closed");
    if (this->waiter_.granted)
      return std::move(*item_);
    return source_.get();
  }
  static constexpr const char* name = "wait_any(get)";

private:
  Source& source_;
  std::optional<Result> item_;
};

template <class Target>
class PutOp : public Operation {
public:
  using Item = typename Target::value_type;
  using Result = void;
  PutOp(Target& target, Item item) : target_(target), item_(std::move(item)) {
    this->waiter_.item = &item_;
  }
  bool ready() const { return target_.put_would_not_wait(); }
  void arm() { target_.putters_.push_back(this->waiter_); }
  void take() {
    if (this->waiter_.broken)
      throw Closed("wait_any: what an item was to be put into was closed");
    if (!this->waiter_.granted)
      target_.put(std::move(item_));
  }
  static constexpr const char* name = "wait_any(put)";

private:
  Target& target_;
  Item item_;
};

} // namespace grove::detail
