// SPDX-License-Identifier: MIT
// BufferedReader: lines and other parts of a stream.
#pragma once

#include <cstddef>
#include <iterator>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <grove/hub/deadline.hpp>
#include <grove/net/detail/buffer.hpp>
#include <grove/net/stream.hpp>

namespace grove::net {

// BufferedReader takes a Stream apart. It refers to the stream, which must outlive it, and whose
// receiving side is its own from the first call on. Its buffer is the hub's, borrowed when there is
// something to read and given back when all of that was taken: a connection that is idle has none.
// Hub-local; movable while nobody waits in it; one greenlet at a time, as with the stream itself.
//
// Calls throw what the stream's do. A call that is killed, times out or fails has taken nothing:
// the next one finds all of it. Limits are in bytes. What is longer is std::length_error, which
// names the stream and the limit, and is left where it is. A deadline is one for the whole call, so
// that neither a peer that sends nothing nor one that sends a byte now and then can hold it up.
class BufferedReader {
public:
  static constexpr std::size_t default_limit = 64 * 1024;

  explicit BufferedReader(Stream& stream) : stream_(&stream) {}

  // At least one byte, at most so many; 0 at the end (or into an empty span).
  std::size_t read(std::span<char> into, Deadline deadline = {});
  // Exactly that many. Closed if the stream ends before. The string takes its memory at once: bound
  // a count that a peer has named.
  void read_exactly(std::span<char> into, Deadline deadline = {});
  std::string read_exactly(std::size_t count, Deadline deadline = {});

  // What comes before the delimiter, which is taken too. Closed if the stream ends before it;
  // std::invalid_argument for an empty delimiter.
  std::string read_until(std::string_view delimiter, std::size_t limit = default_limit,
                         Deadline deadline = {});
  // The next line, without its "\n" or "\r\n"; nothing at the end. The last one may lack them.
  std::optional<std::string> read_line(std::size_t limit = default_limit, Deadline deadline = {});

  // The lines up to the end, as an input range: `for (std::string& line : reader.lines())`. Going
  // to the next is a read_line(), which may throw; the deadline is one for all of them.
  class Lines;
  Lines lines(std::size_t limit = default_limit, Deadline deadline = {});

  // Waits until there are so many bytes, or fewer up to the end, and shows all that is there; takes
  // nothing. Good until the next call.
  std::string_view peek(std::size_t at_least = 1, Deadline deadline = {});
  // What is there without waiting.
  std::string_view buffered() const noexcept { return buffer_.view(); }
  // Takes bytes that were shown. std::logic_error for more.
  void skip(std::size_t count);

  Stream& stream() const noexcept { return *stream_; }

private:
  bool fill(std::size_t room, Deadline deadline, bool again);
  std::string take(std::size_t count, std::size_t drop);
  Stream* stream_;
  detail::Buffer buffer_{};
};

class BufferedReader::Lines {
public:
  class iterator {
  public:
    using value_type = std::string;
    using difference_type = std::ptrdiff_t;
    std::string& operator*() const { return *lines_->line_; }
    iterator& operator++() {
      lines_->next();
      return *this;
    }
    void operator++(int) { ++*this; }
    bool operator==(std::default_sentinel_t) const { return !lines_->line_; }

  private:
    friend class Lines;
    explicit iterator(Lines& lines) : lines_(&lines) {}
    Lines* lines_;
  };
  iterator begin() {
    next();
    return iterator(*this);
  }
  std::default_sentinel_t end() const { return {}; }

private:
  friend class BufferedReader;
  Lines(BufferedReader& reader, std::size_t limit, Deadline deadline)
      : reader_(&reader), limit_(limit), deadline_(deadline) {}
  void next() { line_ = reader_->read_line(limit_, deadline_); }
  BufferedReader* reader_;
  std::size_t limit_;
  Deadline deadline_;
  std::optional<std::string> line_{};
};

inline BufferedReader::Lines BufferedReader::lines(std::size_t limit, Deadline deadline) {
  return {*this, limit, deadline};
}

} // namespace grove::net
