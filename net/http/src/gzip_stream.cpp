// SPDX-License-Identifier: MIT
// Gzip in pieces, by zlib.
#include "gzip_stream.hpp"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <limits>
#include <new>

namespace grove::http::detail {

namespace {
constexpr int gzip_format = 16; // added to the bits of the window
constexpr std::size_t most = std::numeric_limits<uInt>::max();

// zlib only reads what next_in leads to.
Bytef* input(std::string_view data) {
  return reinterpret_cast<Bytef*>(const_cast<char*>(data.data())); // NOLINT
}
} // namespace

struct GzipWriter::State {
  z_stream stream{};
  State() = default;
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() { deflateEnd(&stream); }
};

GzipWriter::GzipWriter(int level, bool small) : state_(std::make_unique<State>()) {
  // Memory: 2^(bits + 2) + 2^(level of memory + 9) bytes.
  if (deflateInit2(&state_->stream, level, Z_DEFLATED, (small ? 13 : 15) + gzip_format,
                   small ? 6 : 8, Z_DEFAULT_STRATEGY) != Z_OK)
    throw std::bad_alloc();
}
GzipWriter::GzipWriter(GzipWriter&&) noexcept = default;
GzipWriter& GzipWriter::operator=(GzipWriter&&) noexcept = default;
GzipWriter::~GzipWriter() = default;

void GzipWriter::write(std::string_view data, Flush flush, const Sink& sink) {
  z_stream& stream = state_->stream;
  std::array<char, 4096> piece;
  do {
    const std::string_view some = data.substr(0, most);
    data.remove_prefix(some.size());
    const int mode = !data.empty() || flush == Flush::later ? Z_NO_FLUSH
                     : flush == Flush::now                  ? Z_SYNC_FLUSH
                                                            : Z_FINISH;
    stream.next_in = input(some);
    stream.avail_in = static_cast<uInt>(some.size());
    do {
      stream.next_out = reinterpret_cast<Bytef*>(piece.data());
      stream.avail_out = static_cast<uInt>(piece.size());
      deflate(&stream, mode);
      if (stream.avail_out < piece.size())
        sink({piece.data(), piece.size() - stream.avail_out});
    } while (stream.avail_out == 0);
  } while (!data.empty());
}

struct GzipReader::State {
  z_stream stream{};
  std::array<char, 4096> buffer{};
  std::string_view left{}; // in the buffer
  bool within = true;      // a member whose end has not come; there is one at least
  bool over = false;       // the source has ended

  State() {
    if (inflateInit2(&stream, 15 + gzip_format) != Z_OK)
      throw std::bad_alloc();
  }
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() { inflateEnd(&stream); }

  std::size_t inflate_into(std::span<char> into);
};

GzipReader::GzipReader() : state_(std::make_unique<State>()) {}
GzipReader::GzipReader(GzipReader&&) noexcept = default;
GzipReader& GzipReader::operator=(GzipReader&&) noexcept = default;
GzipReader::~GzipReader() = default;

// Also of what zlib still holds: `left` may be empty.
std::size_t GzipReader::State::inflate_into(std::span<char> into) {
  if (!within) {
    if (left.empty())
      return 0;
    inflateReset(&stream); // RFC 1952, 2.2: several members, one after the other
    within = true;
  }
  const std::size_t room = std::min(into.size(), most);
  stream.next_in = input(left);
  stream.avail_in = static_cast<uInt>(left.size());
  stream.next_out = reinterpret_cast<Bytef*>(into.data());
  stream.avail_out = static_cast<uInt>(room);
  const int result = inflate(&stream, Z_NO_FLUSH);
  left.remove_prefix(left.size() - stream.avail_in);
  if (result == Z_STREAM_END)
    within = false;
  else if (result == Z_MEM_ERROR)
    throw std::bad_alloc();
  else if (result != Z_OK && result != Z_BUF_ERROR)
    throw BrokenGzip("the gzip is broken");
  return room - stream.avail_out;
}

std::size_t GzipReader::read(std::span<char> into, const Source& source) {
  State& state = *state_;
  if (into.empty())
    return 0;
  while (true) {
    if (const std::size_t size = state.inflate_into(into))
      return size;
    if (!state.left.empty()) // of a member without anything in it, or its header
      continue;
    if (!state.over) {
      const std::size_t size = source(state.buffer);
      state.left = {state.buffer.data(), size};
      state.over = size == 0;
    }
    if (state.over) {
      if (state.within)
        throw BrokenGzip("the gzip ends early");
      return 0;
    }
  }
}

} // namespace grove::http::detail
