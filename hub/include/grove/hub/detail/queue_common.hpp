// SPDX-License-Identifier: MIT
// What all queues have in common: sizes, closing, `for (T item : queue)`.
#pragma once

#include <cstddef>
#include <iterator>
#include <limits>
#include <optional>
#include <utility>

namespace grove {

// What close() does with the items that are still in a queue.
enum class Remaining { drain, discard };

namespace detail {

[[noreturn]] void throw_negative_maxsize(const char* whose, std::size_t maxsize);

// std::invalid_argument if it is a negative number in disguise.
inline std::size_t checked_maxsize(const char* whose, std::size_t maxsize) {
  if (maxsize > std::numeric_limits<std::size_t>::max() / 2)
    throw_negative_maxsize(whose, maxsize);
  return maxsize;
}

// An input iterator that waits. Source::next() fills in an item unless no more will come.
template <class Source>
class QueueIterator {
public:
  using value_type = typename Source::value_type;
  using difference_type = std::ptrdiff_t;
  using iterator_concept = std::input_iterator_tag;

  explicit QueueIterator(Source& source) : source_(&source) { source.next(item_); }

  // An rvalue, so that `T item` moves.
  value_type&& operator*() const { return std::move(*item_); }
  QueueIterator& operator++() {
    item_.reset(); // no item is kept while waiting for the next
    source_->next(item_);
    return *this;
  }
  void operator++(int) { ++*this; }
  friend bool operator==(const QueueIterator& it, std::default_sentinel_t) { return !it.item_; }

private:
  Source* source_;
  mutable std::optional<value_type> item_;
};

} // namespace detail
} // namespace grove
