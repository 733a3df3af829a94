// SPDX-License-Identifier: MIT
// The files, one after the other, cut between words.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "alphabet.hpp"

namespace word_count {

// A piece of the text. One that is a single long word is told apart: it is too large to be sent
// about and counted like others.
struct Piece {
  std::string text;
  bool is_long_word;
};

// Input reads files as `cat` does: a word may begin in one file and end in the next. Hub-local;
// reading a pipe parks the greenlet, reading a regular file stops the hub for as long as the disk
// takes. Every call may throw std::system_error, naming the file.
class Input {
public:
  // A piece is shorter than two chunks, unless it is a word of at least one.
  Input(std::vector<std::string> files, const Alphabet& alphabet, std::size_t chunk_size);
  Input(const Input&) = delete;
  Input& operator=(const Input&) = delete;
  ~Input();

  // Fails early if one of the files cannot be read. Returns the size of all together; pipes count
  // as nothing.
  static std::uint64_t check(const std::vector<std::string>& files);

  // Nothing after the last one.
  std::optional<Piece> next();

private:
  std::string cut(std::string::const_iterator end);
  void open_next();
  bool read_more();

  std::vector<std::string> files_;
  Alphabet alphabet_;
  std::size_t chunk_size_;
  std::size_t file_ = 0; // the one that is read
  int fd_ = -1;
  std::string rest_;            // what was read and not given out
  std::size_t within_word_ = 0; // so many bytes of it, from the front, are known to be of one word
};

} // namespace word_count
