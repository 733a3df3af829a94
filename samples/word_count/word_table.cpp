// SPDX-License-Identifier: MIT
// Finding, entering, growing.
#include "word_table.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <utility>

namespace word_count {

namespace {

std::uint64_t hash_of(std::string_view word) { return std::hash<std::string_view>()(word); }
std::uint32_t upper_half(std::uint64_t hash) { return static_cast<std::uint32_t>(hash >> 32); }

} // namespace

// In a large table a word costs two cache misses: its slot, then its entry. They are most of the
// work, so a few words go side by side, and their misses overlap.
void WordTable::add(std::span<const std::string_view> words,
                    std::span<const std::uint64_t> counts) {
  constexpr std::size_t side_by_side = 16;
  std::array<std::uint64_t, side_by_side> hashes{};
  for (std::size_t begin = 0; begin < words.size(); begin += side_by_side) {
    const auto some = words.subspan(begin, std::min(side_by_side, words.size() - begin));
    const std::size_t mask = index_.size() - 1;
    for (std::size_t i = 0; i < some.size(); ++i) {
      hashes[i] = hash_of(some[i]);
      __builtin_prefetch(&index_[hashes[i] & mask]);
    }
    for (std::size_t i = 0; i < some.size(); ++i) {
      if (const std::uint32_t number = index_[hashes[i] & mask].number; number != 0)
        __builtin_prefetch(&entries_[number - 1]);
    }
    for (std::size_t i = 0; i < some.size(); ++i)
      add_one(some[i], counts.empty() ? 1 : counts[begin + i], hashes[i]);
  }
}

void WordTable::add_one(std::string_view word, std::uint64_t count, std::uint64_t hash) {
  Slot& slot = find(word, hash);
  if (slot.number != 0)
    entries_[slot.number - 1].count += count;
  else
    enter(slot, std::string(word), count, hash);
}

void WordTable::add_long(std::string&& word) {
  const std::uint64_t hash = hash_of(word);
  Slot& slot = find(word, hash);
  if (slot.number != 0)
    ++entries_[slot.number - 1].count;
  else
    enter(slot, std::move(word), 1, hash);
}

void WordTable::clear() {
  std::fill(index_.begin(), index_.end(), Slot()); // it keeps its size: it will be as large again
  entries_.clear();
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

void WordTable::enter(Slot& slot, std::string word, std::uint64_t count, std::uint64_t hash) {
  length_ += word.size();
  entries_.push_back({std::move(word), count});
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
