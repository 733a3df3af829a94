// SPDX-License-Identifier: MIT
// Compressed messages.
#include "deflater.hpp"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <new>

namespace grove::http::detail {

namespace {
// zlib only reads what next_in leads to.
Bytef* input(std::string_view data) {
  return reinterpret_cast<Bytef*>(const_cast<char*>(data.data())); // NOLINT
}
constexpr std::string_view tail("\x00\x00\xff\xff", 4); // of a flushed block: RFC 7692, 7.2.1
} // namespace

std::string Deflater::compress(std::string_view data) const {
  z_stream stream{};
  if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, -window_bits_, 8,
                   Z_DEFAULT_STRATEGY) != Z_OK)
    throw std::bad_alloc();
  struct End {
    z_stream& stream;
    ~End() { deflateEnd(&stream); }
  } end{stream};
  std::string out;
  std::array<char, 4096> piece;
  stream.next_in = input(data);
  stream.avail_in = static_cast<uInt>(data.size());
  do {
    stream.next_out = reinterpret_cast<Bytef*>(piece.data());
    stream.avail_out = static_cast<uInt>(piece.size());
    deflate(&stream, Z_SYNC_FLUSH);
    out.append(piece.data(), piece.size() - stream.avail_out);
  } while (stream.avail_out == 0);
  if (out.ends_with(tail))
    out.resize(out.size() - tail.size());
  if (out.empty())
    out.push_back('\0'); // 7.2.3.6: an empty block
  return out;
}

std::string Deflater::decompress(std::string_view data, std::size_t limit, Fault& fault) {
  z_stream stream{};
  if (inflateInit2(&stream, -15) != Z_OK)
    throw std::bad_alloc();
  struct End {
    z_stream& stream;
    ~End() { inflateEnd(&stream); }
  } end{stream};
  fault = Fault::none;
  std::string out;
  std::array<char, 4096> piece;
  for (const std::string_view part : {data, tail}) {
    stream.next_in = input(part);
    stream.avail_in = static_cast<uInt>(part.size());
    while (true) {
      stream.next_out = reinterpret_cast<Bytef*>(piece.data());
      stream.avail_out = static_cast<uInt>(piece.size());
      const int result = inflate(&stream, Z_SYNC_FLUSH);
      const std::size_t size = piece.size() - stream.avail_out;
      if (size > limit - out.size()) {
        fault = Fault::too_long;
        return {};
      }
      out.append(piece.data(), size);
      if (result == Z_STREAM_END) { // a final block: allowed, what is behind it starts anew
        inflateReset(&stream);
        if (stream.avail_in == 0)
          break;
        continue;
      }
      if (result == Z_BUF_ERROR || (result == Z_OK && stream.avail_in == 0 && stream.avail_out > 0))
        break;
      if (result != Z_OK) {
        fault = Fault::broken;
        return {};
      }
    }
  }
  return out;
}

} // namespace grove::http::detail
