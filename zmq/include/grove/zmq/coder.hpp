// SPDX-License-Identifier: MIT
// Encoder and Decoder: msgpack value by value, with limits for what strangers send.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace grove::zmq {

/// What an encoded message is kept in.
using Bytes = std::vector<std::byte>;

/// How much a message may be and cost. encode() keeps all but max_memory, so what it lets through
/// a peer with the same limits takes.
struct CodecLimits {
  std::size_t max_bytes = 16u << 20;   ///< of the encoded message
  std::size_t max_elements = 1u << 20; ///< of any one array, or pairs of any one map
  std::size_t max_memory = 64u << 20;  ///< bytes that the elements of all containers may take
  unsigned max_depth = 32;             ///< arrays and maps within one another
};

/// Thrown by decode(): what() names type, field, what was expected, what was found, and where.
class DecodeError : public std::runtime_error {
public:
  DecodeError(const std::string& what, std::size_t offset)
      : std::runtime_error(what), offset_(offset) {}
  /// Where in the body, in bytes.
  [[nodiscard]] std::size_t offset() const noexcept { return offset_; }

private:
  std::size_t offset_;
};

/// Thrown by encode() for a value that has no encoding, or one above the limits.
class EncodeError : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Appends msgpack to a buffer, value by value. For one thread at a time; never parks. Every call
/// may throw EncodeError or std::bad_alloc, after which the buffer holds a part of a message.
class Encoder {
public:
  explicit Encoder(Bytes& out, const CodecLimits& limits = {}, std::string_view type = "value");

  void nil();
  void boolean(bool value);
  void signed_integer(std::int64_t value);
  void unsigned_integer(std::uint64_t value);
  void float32(float value);
  void float64(double value);
  void str(std::string_view value);
  void bin(std::span<const std::byte> value);

  /// Opens an array of that many elements, or a map of that many pairs; close() ends it.
  void array(std::size_t size);
  void map(std::size_t size);
  void close() noexcept { --depth_; }

  /// Between these NaN is refused: a NaN is no key.
  void begin_key() noexcept { ++key_depth_; }
  void end_key() noexcept { --key_depth_; }

  [[noreturn]] void fail(const std::string& why) const;

private:
  void open(std::size_t size);
  template <class Bits>
  void write_float(Bits bits, unsigned char head);
  struct Sink;

  Bytes* out_;
  std::size_t start_;
  CodecLimits limits_;
  std::string_view type_;
  unsigned depth_ = 0;
  unsigned key_depth_ = 0;
};

/// Takes msgpack apart, value by value, never trusting it. For one thread at a time; never parks.
/// Every call may throw DecodeError, after which the decoder is of no further use. Views that it
/// returns point into the body.
class Decoder {
public:
  class Level;

  explicit Decoder(std::span<const std::byte> body, const CodecLimits& limits = {},
                   std::string_view type = "value");

  /// Takes a nil if one is next.
  [[nodiscard]] bool nil();
  [[nodiscard]] bool boolean();
  [[nodiscard]] std::int64_t signed_integer(std::int64_t low, std::int64_t high);
  [[nodiscard]] std::uint64_t unsigned_integer(std::uint64_t high);
  /// Takes the other float width and any integer too, if the value is held without overflow
  /// (integers: exactly), since other languages write 3.0 as 3.
  [[nodiscard]] float float32();
  [[nodiscard]] double float64();
  [[nodiscard]] std::string_view str();
  [[nodiscard]] std::span<const std::byte> bin();
  /// Passes over one value of any kind, which must be sound.
  void skip();
  /// Refuses what is left of the body.
  void finish();

  /// Between these NaN is refused: a NaN is no key.
  void begin_key() noexcept { ++key_depth_; }
  void end_key() noexcept { --key_depth_; }

  [[nodiscard]] std::size_t offset() const noexcept { return offset_; }
  [[noreturn]] void fail(std::string_view expected, std::string_view found, std::size_t at) const;

private:
  struct Token;
  class TokenVisitor;
  class SkipVisitor;
  Token next(std::string_view expected);
  std::int64_t integer_as_float(const Token& token, int digits) const;
  [[noreturn]] void fail(std::string_view expected, const Token& found) const;

  std::span<const std::byte> body_;
  std::size_t offset_ = 0;
  CodecLimits limits_;
  std::string_view type_;
  std::size_t memory_left_;
  Level* top_ = nullptr;
  unsigned depth_ = 0;
  unsigned key_depth_ = 0;
};

/// An array or map that is being decoded, and a step of the path that errors name. Lives on the
/// stack of who decodes it.
class Decoder::Level {
public:
  enum class Kind { array, map };

  /// Opens the next value. `cost` is the memory one element will take; it is refused before any is
  /// taken. `names`, if there are some, are those of the fields.
  Level(Decoder& in, Kind kind, std::size_t cost, std::span<const std::string_view> names = {});
  ~Level() {
    in_.top_ = up_;
    --in_.depth_;
  }
  Level(const Level&) = delete;
  Level& operator=(const Level&) = delete;

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  /// How many elements to make room for at once: a count alone must not allocate much.
  [[nodiscard]] std::size_t reserve() const noexcept { return reserve_; }
  void expect(std::size_t size) const;
  void at(std::size_t index, std::string_view part = {}) noexcept {
    index_ = index;
    part_ = part;
  }

private:
  friend class Decoder;
  Decoder& in_;
  Level* up_;
  std::size_t start_;
  std::size_t size_;
  std::size_t reserve_;
  std::span<const std::string_view> names_;
  std::size_t index_;
  std::string_view part_;
};

} // namespace grove::zmq
