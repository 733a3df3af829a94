// SPDX-License-Identifier: MIT
// msgpack to values, by msgpack-cxx: its parser reads a token at a time.
#include <grove/zmq/codec.hpp>

#include <array>
#include <bit>

#include "msgpack_library.hpp"

namespace grove::zmq {

namespace {

using std::to_string;

constexpr std::size_t no_index = std::size_t(-1);
constexpr std::size_t reserve_bytes = 256u << 10;

std::string range(std::int64_t low, std::uint64_t high) {
  return "integer from " + to_string(low) + " to " + to_string(high);
}

} // namespace

// -- tokens ----------------------------------------------------------------------------------

struct Decoder::Token {
  enum class Kind {
    none,
    nil,
    boolean,
    positive,
    negative,
    float32,
    float64,
    str,
    bin,
    array,
    map,
    ext
  };
  Kind kind = Kind::none;
  bool invalid = false;
  std::uint32_t size = 0;
  union {
    bool boolean;
    std::uint64_t positive = 0;
    std::int64_t negative;
    float float32;
    double float64;
    const char* data;
  };
  std::size_t at = 0;

  [[nodiscard]] std::string_view name() const {
    constexpr std::string_view names[] = {"nothing", "nil", "bool", "integer", "integer", "float",
                                          "float",   "str", "bin",  "array",   "map",     "ext"};
    return names[static_cast<std::size_t>(kind)];
  }
};

/// Stops the parser at the first thing it sees, and keeps that.
class Decoder::TokenVisitor : public msgpack::null_visitor {
public:
  using Kind = Token::Kind;
  Token token;

  bool visit_nil() { return take(Kind::nil); }
  bool visit_boolean(bool value) {
    token.boolean = value;
    return take(Kind::boolean);
  }
  bool visit_positive_integer(std::uint64_t value) {
    token.positive = value;
    return take(Kind::positive);
  }
  bool visit_negative_integer(std::int64_t value) { // any that is encoded as signed
    token.negative = value;
    return take(value < 0 ? Kind::negative : Kind::positive);
  }
  bool visit_float32(float value) {
    token.float32 = value;
    return take(Kind::float32);
  }
  bool visit_float64(double value) {
    token.float64 = value;
    return take(Kind::float64);
  }
  bool visit_str(const char* data, std::uint32_t size) { return take(Kind::str, data, size); }
  bool visit_bin(const char* data, std::uint32_t size) { return take(Kind::bin, data, size); }
  bool visit_ext(const char* data, std::uint32_t size) { return take(Kind::ext, data, size); }
  bool start_array(std::uint32_t size) { return take(Kind::array, nullptr, size); }
  bool start_map(std::uint32_t size) { return take(Kind::map, nullptr, size); }
  void parse_error(std::size_t, std::size_t) { token.invalid = true; }

private:
  bool take(Kind kind) {
    token.kind = kind;
    return false;
  }
  bool take(Kind kind, const char* data, std::uint32_t size) {
    token.data = data;
    token.size = size;
    return take(kind);
  }
};

/// Lets the parser pass over one value of any shape, within the limits.
class Decoder::SkipVisitor : public msgpack::null_visitor {
public:
  SkipVisitor(const CodecLimits& limits, unsigned depth) : limits_(limits), depth_(depth) {}

  std::string_view expected; // set: why it was stopped
  std::string_view found;

  bool visit_ext(const char*, std::uint32_t) { return refuse("a value without ext types", "ext"); }
  bool start_array(std::uint32_t size) { return open(size); }
  bool start_map(std::uint32_t size) { return open(size); }
  bool end_array() { return close(); }
  bool end_map() { return close(); }
  void parse_error(std::size_t, std::size_t) { refuse("a value", "the invalid byte 0xc1"); }
  void insufficient_bytes(std::size_t, std::size_t) { refuse("a value", "the end of the body"); }

private:
  bool refuse(std::string_view wanted, std::string_view got) {
    expected = wanted;
    found = got;
    return false;
  }
  bool open(std::uint32_t size) {
    if (depth_ >= limits_.max_depth)
      return refuse("nesting within max_depth", "one level more");
    if (size > limits_.max_elements)
      return refuse("a container within max_elements", "a larger one");
    ++depth_;
    return true;
  }
  bool close() {
    --depth_;
    return true;
  }

  const CodecLimits& limits_;
  unsigned depth_;
};

Decoder::Token Decoder::next(std::string_view expected) {
  TokenVisitor visitor;
  std::size_t last = offset_;
  msgpack::parse(reinterpret_cast<const char*>(body_.data()), body_.size(), last, visitor);
  Token& token = visitor.token;
  token.at = offset_;
  if (token.kind == Token::Kind::none) [[unlikely]] {
    if (token.invalid)
      fail(expected, "the invalid byte 0xc1", offset_);
    fail(expected, "the end of the body", body_.size());
  }
  offset_ = last + 1; // a stopped parser stands at the last byte of what it read
  return token;
}

// -- Decoder ---------------------------------------------------------------------------------

Decoder::Decoder(std::span<const std::byte> body, const CodecLimits& limits, std::string_view type)
    : body_(body), limits_(limits), type_(type), memory_left_(limits.max_memory) {
  if (body.size() > limits.max_bytes)
    fail("at most max_bytes = " + to_string(limits.max_bytes), to_string(body.size()), 0);
}

void Decoder::fail(std::string_view expected, std::string_view found, std::size_t at) const {
  std::string path;
  for (const Level* level = top_; level != nullptr; level = level->up_) {
    if (level->index_ == no_index)
      continue;
    std::string step = level->index_ < level->names_.size()
                           ? "." + std::string(level->names_[level->index_])
                           : "[" + to_string(level->index_) + "]";
    path.insert(0, step.append(level->part_));
  }
  std::string what = "decode ";
  what.append(type_).append(path).append(": expected ").append(expected).append(", found ");
  what.append(found).append(" at byte ").append(to_string(at));
  throw DecodeError(what, at);
}

void Decoder::fail(std::string_view expected, const Token& found) const {
  if (found.kind == Token::Kind::positive)
    fail(expected, "integer " + to_string(found.positive), found.at);
  if (found.kind == Token::Kind::negative)
    fail(expected, "integer " + to_string(found.negative), found.at);
  fail(expected, found.name(), found.at);
}

bool Decoder::nil() {
  const std::size_t before = offset_;
  if (next("a value").kind == Token::Kind::nil)
    return true;
  offset_ = before;
  return false;
}

bool Decoder::boolean() {
  const Token token = next("bool");
  if (token.kind != Token::Kind::boolean)
    fail("bool", token);
  return token.boolean;
}

std::int64_t Decoder::signed_integer(std::int64_t low, std::int64_t high) {
  const Token token = next("integer");
  if (token.kind == Token::Kind::negative && token.negative >= low && token.negative <= high)
    return token.negative;
  if (token.kind == Token::Kind::positive && std::cmp_less_equal(token.positive, high) &&
      std::cmp_greater_equal(token.positive, low))
    return static_cast<std::int64_t>(token.positive);
  if (token.kind == Token::Kind::positive || token.kind == Token::Kind::negative)
    fail(range(low, static_cast<std::uint64_t>(high)), token);
  fail("integer", token);
}

std::uint64_t Decoder::unsigned_integer(std::uint64_t high) {
  const Token token = next("integer");
  if (token.kind == Token::Kind::positive && token.positive <= high)
    return token.positive;
  if (token.kind == Token::Kind::positive || token.kind == Token::Kind::negative)
    fail(range(0, high), token);
  fail("integer", token);
}

std::int64_t Decoder::integer_as_float(const Token& token, int digits) const {
  const std::int64_t high = std::int64_t(1) << digits;
  if (token.kind == Token::Kind::positive && std::cmp_less_equal(token.positive, high))
    return static_cast<std::int64_t>(token.positive);
  if (token.kind == Token::Kind::negative && token.negative >= -high)
    return token.negative;
  fail(token.kind == Token::Kind::positive || token.kind == Token::Kind::negative
           ? "float, or an integer that one holds exactly"
           : "float",
       token);
}

float Decoder::float32() {
  const Token token = next("float");
  if (token.kind == Token::Kind::float64) {
    if (key_depth_ > 0 && std::isnan(token.float64))
      fail("a key", "NaN", token.at);
    if (std::isfinite(token.float64) &&
        std::abs(token.float64) > double(std::numeric_limits<float>::max()))
      fail("float of 32 bits", "a larger one", token.at);
    return static_cast<float>(token.float64);
  }
  if (token.kind != Token::Kind::float32)
    return static_cast<float>(integer_as_float(token, std::numeric_limits<float>::digits));
  if (key_depth_ > 0 && std::isnan(token.float32))
    fail("a key", "NaN", token.at);
  return token.float32;
}

double Decoder::float64() {
  const Token token = next("float");
  double value = 0;
  if (token.kind == Token::Kind::float64)
    value = token.float64;
  else if (token.kind == Token::Kind::float32)
    value = double(token.float32);
  else
    return static_cast<double>(integer_as_float(token, std::numeric_limits<double>::digits));
  if (key_depth_ > 0 && std::isnan(value))
    fail("a key", "NaN", token.at);
  return value;
}

std::string_view Decoder::str() {
  const Token token = next("str");
  if (token.kind != Token::Kind::str)
    fail("str", token);
  return {token.data, token.size};
}

std::span<const std::byte> Decoder::bin() {
  const Token token = next("bin");
  if (token.kind != Token::Kind::bin)
    fail("bin", token);
  return {reinterpret_cast<const std::byte*>(token.data), token.size};
}

void Decoder::skip() {
  SkipVisitor visitor(limits_, depth_);
  std::size_t end = offset_;
  msgpack::parse(reinterpret_cast<const char*>(body_.data()), body_.size(), end, visitor);
  if (!visitor.expected.empty())
    fail(visitor.expected, visitor.found, end);
  offset_ = end;
}

void Decoder::finish() {
  if (offset_ != body_.size())
    fail("the end of the body", to_string(body_.size() - offset_) + " bytes more", offset_);
}

// -- Level -----------------------------------------------------------------------------------

Decoder::Level::Level(Decoder& in, Kind kind, std::size_t cost,
                      std::span<const std::string_view> names)
    : in_(in), up_(in.top_), names_(names), index_(no_index) {
  const bool map = kind == Kind::map;
  const std::string_view name = map ? "map" : "array";
  const Token token = in.next(name);
  if (token.kind != (map ? Token::Kind::map : Token::Kind::array))
    in.fail(name, token);
  start_ = token.at;
  size_ = token.size;
  if (in.depth_ >= in.limits_.max_depth)
    in.fail("at most max_depth = " + to_string(in.limits_.max_depth) + " levels", "one more",
            start_);
  if (size_ > in.limits_.max_elements)
    in.fail("at most max_elements = " + to_string(in.limits_.max_elements), to_string(size_),
            start_);
  const std::size_t left = in.body_.size() - in.offset_;
  if (size_ > left / (map ? 2 : 1)) // an element is a byte or more
    in.fail(std::string(name) + " of " + to_string(size_),
            "only " + to_string(left) + " bytes for it", start_);
  if (cost > 0) {
    if (size_ > in.memory_left_ / cost)
      in.fail("what fits in max_memory = " + to_string(in.limits_.max_memory) + " bytes",
              std::string(name) + " of " + to_string(size_) + " beyond it", start_);
    in.memory_left_ -= size_ * cost;
  }
  reserve_ = std::min(size_, reserve_bytes / std::max<std::size_t>(cost, 1));
  ++in.depth_;
  in.top_ = this;
}

void Decoder::Level::expect(std::size_t size) const {
  if (size_ != size)
    in_.fail("array of " + to_string(size), "one of " + to_string(size_), start_);
}

} // namespace grove::zmq
