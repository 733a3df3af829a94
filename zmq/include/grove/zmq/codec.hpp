// SPDX-License-Identifier: MIT
// Messages to msgpack and back: encode() and decode() of plain structs, without macros.
#pragma once

#include <cstddef>
#include <span>

#include <grove/zmq/coder.hpp>
#include <grove/zmq/detail/fields.hpp>
#include <grove/zmq/detail/walk.hpp>

namespace grove::zmq {

/// Appends the encoding of `value`; on a throw the buffer is as before. A loop that clears and
/// passes the same buffer allocates nothing once it has grown.
template <class T>
void encode_to(const T& value, Bytes& out, const CodecLimits& limits = {}) {
  const std::size_t before = out.size();
  try {
    Encoder encoder(out, limits, detail::type_name<T>());
    detail::write(encoder, value);
  } catch (...) {
    out.resize(before);
    throw;
  }
}

/// The encoding of `value`. Throws EncodeError. From any thread; never parks.
template <class T>
[[nodiscard]] Bytes encode(const T& value, const CodecLimits& limits = {}) {
  Bytes out;
  encode_to(value, out, limits);
  return out;
}

/// The T that `body` is the encoding of, to its last byte. Throws DecodeError. From any thread;
/// never parks.
template <class T>
[[nodiscard]] T decode(std::span<const std::byte> body, const CodecLimits& limits = {}) {
  Decoder decoder(body, limits, detail::type_name<T>());
  T value{};
  detail::read(decoder, value);
  decoder.finish();
  return value;
}

} // namespace grove::zmq
