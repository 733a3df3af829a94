// SPDX-License-Identifier: MIT
// Finding, entering, growing.
#include "word_table.hpp"

#include <algorithm>
#include <functional>
#include <utility>

namespace word_count {

namespace {

constexpr std::size_t first_size = 1024;

std::uint64_t hash_of(std::string_view word) { return std::hash<std::string_view>()(word); }
std::uint32_t upper_half(std::uint64_t hash) { return static_cast<std::uint32_t>(hash >> 32); }

} // namespace

WordTable::WordTable() : index_(first_size) {}

void WordTable::add(std::string_view word, std::uint64_t count) {
  const std::uint64_t hash = hash_of(word);
  Slot& slot = find(word, hash);
  if (slot.number != 0) {
    entries_[slot.number - 1].count += count;
    return;
  }
  char* const copy = static_cast<char*>(words_.allocate(word.size(), 1));
  std::copy(word.begin(), word.end(), copy);
  enter(slot, {copy, word.size()}, count, hash);
}

void WordTable::add_long(std::string&& word) {
  const std::uint64_t hash = hash_of(word);
  Slot& slot = find(word, hash);
  if (slot.number != 0)
    ++entries_[slot.number - 1].count;
  else
    enter(slot, long_words_.emplace_back(std::move(word)), 1, hash);
}

void WordTable::clear() {
  std::fill(index_.begin(), index_.end(), Slot());
  entries_.clear();
  words_.release();
  long_words_.clear();
  length_ = 0;
}

void WordTable::rank(std::size_t top) {
  std::vector<Slot>().swap(index_); // it knows the entries by their places
  const auto before = [](const Entry& a, const Entry& b) {
    return a.count != b.count ? a.count > b.count : a.word > b.word;
  };
  if (top < entries_.size())
    std::partial_sort(entries_.begin(), entries_.begin() + static_cast<std::ptrdiff_t>(top),
                      entries_.end(), before);
  else
    std::sort(entries_.begin(), entries_.end(), before);
}

std::size_t WordTable::memory() const {
  return length_ + entries_.size() * sizeof(Entry) + index_.size() * sizeof(Slot);
}

// The slot of the word, or the free one where it belongs.
WordTable::Slot& WordTable::find(std::string_view word, std::uint64_t hash) {
  const std::size_t mask = index_.size() - 1;
  for (std::size_t at = hash & mask;; at = (at + 1) & mask) {
    Slot& slot = index_[at];
    if (slot.number == 0 ||
        (slot.hash == upper_half(hash) && entries_[slot.number - 1].word == word)) {
      return slot;
    }
  }
}

void WordTable::enter(Slot& slot, std::string_view word, std::uint64_t count, std::uint64_t hash) {
  entries_.push_back({word, count});
  length_ += word.size();
  slot.number = static_cast<std::uint32_t>(entries_.size());
  slot.hash = upper_half(hash);
  if (entries_.size() > index_.size() / 4 * 3)
    grow();
}

// The old index goes before the new one comes: all that it knew is in the entries.
void WordTable::grow() {
  const std::size_t size = index_.size() * 2;
  std::vector<Slot>().swap(index_);
  index_.resize(size);
  std::uint32_t number = 0;
  for (const Entry& entry : entries_) {
    const std::uint64_t hash = hash_of(entry.word);
    std::size_t at = hash & (size - 1);
    while (index_[at].number != 0)
      at = (at + 1) & (size - 1);
    index_[at] = {++number, upper_half(hash)};
  }
}

} // namespace word_count
