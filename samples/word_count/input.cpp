// SPDX-License-Identifier: MIT
// Reading and cutting.
#include "input.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <system_error>
#include <utility>

#include <grove/hub.hpp>

namespace word_count {

namespace {

[[noreturn]] void fail(const std::string& file, int error = errno) {
  throw std::system_error(error, std::generic_category(), "cannot read " + file);
}

} // namespace

Input::Input(std::vector<std::string> files, const Alphabet& alphabet, std::size_t chunk_size)
    : files_(std::move(files)), alphabet_(alphabet), chunk_size_(chunk_size) {}

Input::~Input() {
  if (fd_ >= 0)
    grove::close_descriptor(fd_);
}

std::uint64_t Input::check(const std::vector<std::string>& files) {
  std::uint64_t size = 0;
  for (const std::string& file : files) {
    struct stat status {};
    if (::access(file.c_str(), R_OK) != 0 || ::stat(file.c_str(), &status) != 0)
      fail(file);
    if (S_ISDIR(status.st_mode))
      fail(file, EISDIR);
    if (S_ISREG(status.st_mode))
      size += static_cast<std::uint64_t>(status.st_size);
  }
  return size;
}

std::optional<Piece> Input::next() {
  const auto in_word = [this](char c) { return alphabet_.has(c); };
  for (;;) {
    const auto fresh = rest_.begin() + static_cast<std::ptrdiff_t>(within_word_);
    if (within_word_ < chunk_size_) {
      const auto end = std::find_if_not(rest_.rbegin(), std::make_reverse_iterator(fresh), in_word);
      if (end.base() != fresh) {
        std::string text = cut(end.base());
        within_word_ = rest_.size();
        return Piece{std::move(text), false};
      }
    } else {
      const auto end = std::find_if_not(fresh, rest_.end(), in_word);
      if (end != rest_.end()) {
        std::string word = cut(end);
        within_word_ = 0;
        return Piece{std::move(word), true};
      }
    }
    within_word_ = rest_.size();
    if (!read_more()) {
      if (rest_.empty())
        return std::nullopt;
      within_word_ = 0;
      const bool is_long_word = rest_.size() >= chunk_size_;
      return Piece{std::exchange(rest_, {}), is_long_word};
    }
  }
}

// What stands before `end`; the rest is kept.
std::string Input::cut(std::string::const_iterator end) {
  std::string rest(end, rest_.cend());
  rest_.resize(rest_.size() - rest.size());
  return std::exchange(rest_, std::move(rest));
}

void Input::open_next() {
  const std::string& file = files_[file_];
  fd_ = ::open(file.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  struct stat status {};
  if (fd_ < 0 || ::fstat(fd_, &status) != 0)
    fail(file);
  if (S_ISFIFO(status.st_mode))
    grove::wait_readable(fd_); // until then it looks as if it were at its end
}

// Appends up to a chunk to the rest. False at the end of the last file.
bool Input::read_more() {
  while (file_ < files_.size()) {
    const std::string& file = files_[file_];
    if (fd_ < 0)
      open_next();
    const std::size_t before = rest_.size();
    rest_.resize(before + chunk_size_);
    const ssize_t got = ::read(fd_, rest_.data() + before, chunk_size_);
    const int error = errno;
    rest_.resize(before + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    if (got > 0)
      return true;
    if (got == 0) {
      grove::close_descriptor(std::exchange(fd_, -1));
      ++file_;
    } else if (error == EAGAIN) {
      grove::wait_readable(fd_);
    } else if (error != EINTR) {
      fail(file, error);
    }
  }
  return false;
}

} // namespace word_count
