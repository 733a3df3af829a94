// SPDX-License-Identifier: MIT
// WordTable: how often each word was seen, in little memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <list>
#include <memory_resource>
#include <string>
#include <string_view>
#include <vector>

namespace word_count {

// A hash table of words and their counts. It takes about 45 bytes a word beside the word's own; a
// std::unordered_map would take twice that, and be slower. It grows without ever holding the words
// or the entries twice. Up to four billion different words. One thread at a time.
class WordTable {
public:
  struct Entry {
    std::string_view word;
    std::uint64_t count;
  };

  WordTable();
  WordTable(const WordTable&) = delete;
  WordTable& operator=(const WordTable&) = delete;

  void add(std::string_view word, std::uint64_t count = 1);
  // The same for a word that is too long to be copied without need.
  void add_long(std::string&& word);
  void clear();

  // Puts the `top` most frequent entries in front, in the order of `sort -rn`: descending by count,
  // then by the bytes of the word. Afterwards nothing can be added.
  void rank(std::size_t top);

  const std::deque<Entry>& entries() const { return entries_; } // in order of appearance, or ranked
  std::size_t memory() const;                                   // bytes, about

private:
  // An open-addressing index over the entries; probes go to the next slot.
  struct Slot {
    std::uint32_t number = 0; // of the entry, from 1; 0: free
    std::uint32_t hash = 0;   // the upper half: most strangers are told by it
  };
  Slot& find(std::string_view word, std::uint64_t hash);
  void enter(Slot& slot, std::string_view word, std::uint64_t count, std::uint64_t hash);
  void grow();

  std::vector<Slot> index_; // a power of two
  std::deque<Entry> entries_;
  std::pmr::monotonic_buffer_resource words_;
  std::list<std::string> long_words_;
  std::size_t length_ = 0; // of all words
};

} // namespace word_count
