// SPDX-License-Identifier: MIT
// Adding up.
#include "dictionary.hpp"

#include <stdexcept>
#include <string_view>

namespace word_count {

void Dictionary::receive(const Tally& tally) {
  std::string_view words = tally.words;
  for (const std::uint64_t count : tally.counts) {
    const std::size_t end = words.find('\n');
    if (end == std::string_view::npos)
      throw std::runtime_error("a tally has more counts than words");
    table_->add(words.substr(0, end), count);
    words.remove_prefix(end + 1);
  }
  counted(tally.bytes);
}

void Dictionary::receive(LongWord&& long_word) {
  const std::uint64_t bytes = long_word.word.size();
  table_->add_long(std::move(long_word.word));
  counted(bytes);
}

void Dictionary::receive(const End& end) {
  end_ = end.bytes;
  counted(0);
}

void Dictionary::counted(std::uint64_t bytes) {
  bytes_ += bytes;
  if (bytes_ == end_)
    complete_.set();
}

} // namespace word_count
