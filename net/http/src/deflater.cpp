// SPDX-License-Identifier: MIT
// Compressed messages.
#include "deflater.hpp"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <memory>
#include <new>

namespace grove::http::detail {

namespace {

// zlib only reads what next_in leads to.
Bytef* input(std::string_view data) {
  return reinterpret_cast<Bytef*>(const_cast<char*>(data.data())); // NOLINT
}
constexpr std::string_view tail("\x00\x00\xff\xff", 4); // of a flushed block: RFC 7692, 7.2.1

// zlib has no window of 256 bytes for raw data.
constexpr int least_bits = 9;

// Where zlib writes; nobody else runs meanwhile.
std::array<char, 16384>& piece() {
  static thread_local const auto memory = std::make_unique<std::array<char, 16384>>();
  return *memory;
}

// To begin anew costs a fraction of what it takes to make one.
class Compressor {
public:
  Compressor() = default;
  Compressor(const Compressor&) = delete;
  Compressor& operator=(const Compressor&) = delete;
  ~Compressor() { end(); }
  z_stream& begin(int window_bits) {
    if (bits_ == window_bits && deflateReset(&stream_) == Z_OK)
      return stream_;
    end();
    stream_ = {};
    // Runs of one byte are no farther back than any window.
    const int strategy = window_bits < least_bits ? Z_RLE : Z_DEFAULT_STRATEGY;
    if (deflateInit2(&stream_, Z_DEFAULT_COMPRESSION, Z_DEFLATED,
                     -std::max(window_bits, least_bits), 8, strategy) != Z_OK)
      throw std::bad_alloc();
    bits_ = window_bits;
    return stream_;
  }

private:
  void end() {
    if (bits_ != 0)
      deflateEnd(&stream_);
    bits_ = 0;
  }
  z_stream stream_{};
  int bits_ = 0;
};

class Decompressor {
public:
  Decompressor() {
    if (inflateInit2(&stream_, -15) != Z_OK)
      throw std::bad_alloc();
  }
  Decompressor(const Decompressor&) = delete;
  Decompressor& operator=(const Decompressor&) = delete;
  ~Decompressor() { inflateEnd(&stream_); }
  z_stream& begin(int window_bits) {
    inflateReset2(&stream_, -std::max(window_bits, least_bits));
    return stream_;
  }

private:
  z_stream stream_{};
};

} // namespace

std::string compress_message(std::string_view data, int window_bits) {
  static thread_local Compressor compressor;
  z_stream& stream = compressor.begin(window_bits);
  auto& to = piece();
  std::string out;
  stream.next_in = input(data);
  stream.avail_in = static_cast<uInt>(data.size());
  do {
    stream.next_out = reinterpret_cast<Bytef*>(to.data());
    stream.avail_out = static_cast<uInt>(to.size());
    deflate(&stream, Z_SYNC_FLUSH);
    out.append(to.data(), to.size() - stream.avail_out);
  } while (stream.avail_out == 0);
  if (out.ends_with(tail))
    out.resize(out.size() - tail.size());
  if (out.empty())
    out.push_back('\0'); // 7.2.3.6: an empty block
  return out;
}

std::string decompress_message(std::string_view data, int window_bits, std::size_t limit,
                               InflateFault& fault) {
  static thread_local Decompressor decompressor;
  z_stream& stream = decompressor.begin(window_bits);
  auto& to = piece();
  fault = InflateFault::none;
  std::string out;
  for (const std::string_view part : {data, tail}) {
    stream.next_in = input(part);
    stream.avail_in = static_cast<uInt>(part.size());
    while (true) {
      stream.next_out = reinterpret_cast<Bytef*>(to.data());
      stream.avail_out = static_cast<uInt>(to.size());
      const int result = inflate(&stream, Z_SYNC_FLUSH);
      const std::size_t size = to.size() - stream.avail_out;
      if (size > limit - out.size()) {
        fault = InflateFault::too_long;
        return {};
      }
      out.append(to.data(), size);
      if (result == Z_STREAM_END) { // a final block: allowed, what is behind it starts anew
        inflateReset(&stream);
        if (stream.avail_in == 0)
          break;
        continue;
      }
      if (result == Z_BUF_ERROR || (result == Z_OK && stream.avail_in == 0 && stream.avail_out > 0))
        break;
      if (result != Z_OK) {
        fault = InflateFault::broken;
        return {};
      }
    }
  }
  return out;
}

} // namespace grove::http::detail
