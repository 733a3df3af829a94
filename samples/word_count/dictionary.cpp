// SPDX-License-Identifier: MIT
// Adding up.
#include "dictionary.hpp"

#include <stdexcept>
#include <string_view>
#include <vector>

namespace word_count {

void Dictionary::receive(const Tally& tally) {
  std::vector<std::string_view> words;
  words.reserve(tally.counts.size());
  for (std::string_view rest = tally.words; !rest.empty();) {
    const std::size_t end = rest.find('\n');
    words.push_back(rest.substr(0, end));
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  }
  if (words.size() != tally.counts.size())
    throw std::runtime_error("a worker sent more words than counts, or fewer");
  table_->add(words, tally.counts);
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
