// SPDX-License-Identifier: MIT
// WordTable: how often each word was seen, in little memory.
#pragma once

#include <boost/container/deque.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace word_count {

// A hash table of words and their counts, the words in order of appearance. It takes 51 to 61 bytes
// a word (of up to 15 bytes), which is less than std::unordered_map does, and misses the cache less
// often. It grows without ever holding the entries twice. Up to four billion different words. One
// thread at a time.
class WordTable {
public:
  struct Entry {
    std::string word;
    std::uint64_t count;
  };
  using Entries = boost::container::deque<
      Entry, void, boost::container::deque_options<boost::container::block_size<4096U>>::type>;

  WordTable() : index_(1024) {}

  // Counts each of the words once more, or as often as `counts`, of the same length, says.
  void add(std::span<const std::string_view> words, std::span<const std::uint64_t> counts = {});
  // The same for one that is too long to be copied without need.
  void add_long(std::string&& word);
  void clear();

  // Puts the `top` most frequent entries in front, in the order of `sort -rn`: descending by count,
  // then by the bytes of the word. Afterwards nothing can be added.
  void rank(std::size_t top);

  const Entries& entries() const { return entries_; }
  std::size_t memory() const; // bytes, about

private:
  // An open-addressing index over the entries; probes go to the next slot.
  struct Slot {
    std::uint32_t number = 0; // of the entry, from 1; 0: free
    std::uint32_t hash = 0;   // the upper half: most strangers are told by it
  };
  void add_one(std::string_view word, std::uint64_t count, std::uint64_t hash);
  Slot& find(std::string_view word, std::uint64_t hash);
  void enter(Slot& slot, std::string word, std::uint64_t count, std::uint64_t hash);
  void grow();

  std::vector<Slot> index_; // its size is a power of two
  Entries entries_;
  std::size_t length_ = 0; // of all words
};

} // namespace word_count
