// SPDX-License-Identifier: MIT
// Dictionary: the actor that adds up what the workers have counted.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include <grove/actors.hpp>

#include "messages.hpp"
#include "word_table.hpp"

namespace word_count {

struct LongWord {
  std::string word;
};
// All the text there is has been handed out: so many bytes.
struct End {
  std::uint64_t bytes;
};
struct HowFar {};
struct TakeTable {};

// Sets `complete` when as many bytes were counted as End tells.
class Dictionary : public grove::Actor {
public:
  explicit Dictionary(grove::AsyncResult<void> complete) : complete_(std::move(complete)) {}

  // std::runtime_error if words and counts do not match.
  void receive(const Tally& tally);
  void receive(LongWord&& long_word);
  void receive(const End& end);
  std::uint64_t receive(const HowFar&) const { return bytes_; } // counted until now
  std::unique_ptr<WordTable> receive(const TakeTable&) { return std::move(table_); }

private:
  void counted(std::uint64_t bytes);

  grove::AsyncResult<void> complete_;
  std::unique_ptr<WordTable> table_ = std::make_unique<WordTable>();
  std::uint64_t bytes_ = 0;
  std::uint64_t end_ = UINT64_MAX;
};

} // namespace word_count
