// SPDX-License-Identifier: MIT
// Values to msgpack, by msgpack-cxx's packer.
#include <grove/zmq/codec.hpp>

#include <array>
#include <bit>
#include <cmath>
#include <utility>

#include "msgpack_library.hpp"

namespace grove::zmq {

using std::to_string;

struct Encoder::Sink {
  Encoder& encoder;
  void write(const char* data, std::size_t size) {
    Bytes& out = *encoder.out_;
    if (out.size() - encoder.start_ + size > encoder.limits_.max_bytes)
      encoder.fail("more than max_bytes = " + to_string(encoder.limits_.max_bytes));
    const auto* bytes = reinterpret_cast<const std::byte*>(data);
    out.insert(out.end(), bytes, bytes + size);
  }
  msgpack::packer<Sink> packer() { return msgpack::packer<Sink>(*this); }
};

Encoder::Encoder(Bytes& out, const CodecLimits& limits, std::string_view type)
    : out_(&out), start_(out.size()), limits_(limits), type_(type) {}

void Encoder::fail(const std::string& why) const {
  throw EncodeError("encode " + std::string(type_) + ": " + why);
}

void Encoder::nil() { Sink{*this}.packer().pack_nil(); }

void Encoder::boolean(bool value) {
  if (value)
    Sink{*this}.packer().pack_true();
  else
    Sink{*this}.packer().pack_false();
}

void Encoder::signed_integer(std::int64_t value) { Sink{*this}.packer().pack_int64(value); }

void Encoder::unsigned_integer(std::uint64_t value) { Sink{*this}.packer().pack_uint64(value); }

// Not by the library: it writes 3.0 as the integer 3, and -0.0 as 0.
template <class Bits>
void Encoder::write_float(Bits bits, unsigned char head) {
  std::array<char, 1 + sizeof bits> token{static_cast<char>(head)};
  for (std::size_t i = sizeof bits; i > 0; --i, bits = static_cast<Bits>(bits >> 8U))
    token[i] = static_cast<char>(bits & 0xffU);
  Sink{*this}.write(token.data(), token.size());
}

void Encoder::float32(float value) {
  if (key_depth_ > 0 && std::isnan(value))
    fail("a NaN as a key");
  write_float(std::bit_cast<std::uint32_t>(value), 0xca);
}

void Encoder::float64(double value) {
  if (key_depth_ > 0 && std::isnan(value))
    fail("a NaN as a key");
  write_float(std::bit_cast<std::uint64_t>(value), 0xcb);
}

void Encoder::str(std::string_view value) {
  if (value.size() > limits_.max_bytes || !std::in_range<std::uint32_t>(value.size()))
    fail("a string of " + to_string(value.size()) + " bytes, more than max_bytes");
  Sink sink{*this};
  auto packer = sink.packer();
  packer.pack_str(static_cast<std::uint32_t>(value.size()));
  packer.pack_str_body(value.data(), static_cast<std::uint32_t>(value.size()));
}

void Encoder::bin(std::span<const std::byte> value) {
  if (value.size() > limits_.max_bytes || !std::in_range<std::uint32_t>(value.size()))
    fail("bytes of " + to_string(value.size()) + ", more than max_bytes");
  Sink sink{*this};
  auto packer = sink.packer();
  packer.pack_bin(static_cast<std::uint32_t>(value.size()));
  packer.pack_bin_body(reinterpret_cast<const char*>(value.data()),
                       static_cast<std::uint32_t>(value.size()));
}

void Encoder::open(std::size_t size) {
  if (depth_ >= limits_.max_depth)
    fail("deeper than max_depth = " + to_string(limits_.max_depth));
  if (size > limits_.max_elements || !std::in_range<std::uint32_t>(size))
    fail(to_string(size) + " elements, more than max_elements");
  ++depth_;
}

void Encoder::array(std::size_t size) {
  open(size);
  Sink{*this}.packer().pack_array(static_cast<std::uint32_t>(size));
}

void Encoder::map(std::size_t size) {
  open(size);
  Sink{*this}.packer().pack_map(static_cast<std::uint32_t>(size));
}

} // namespace grove::zmq
