// SPDX-License-Identifier: MIT
// What travels between ventilator, workers and sink: plain structs, which the codec turns to
// msgpack.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace word_count {

// From the ventilator to any worker: text that neither begins nor ends within a word.
struct Chunk {
  std::string text;
};

// From a worker to the sink: the words of as many bytes of text, and how often each was seen.
struct Tally {
  std::uint64_t bytes = 0;
  std::string words; // each ended by a newline
  std::vector<std::uint64_t> counts;
};

} // namespace word_count
