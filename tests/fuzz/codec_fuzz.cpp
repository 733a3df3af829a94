// SPDX-License-Identifier: MIT
// Any bytes, decoded as several types: either refused with DecodeError, or they encode again.
#include <grove/zmq/codec.hpp>

#include <chrono>
#include <cstdlib>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

namespace {

namespace zmq = grove::zmq;

enum class Colour : std::int8_t { red, green };

struct Line {
  std::string item;
  double price = 0;
  std::uint8_t count = 1;
};

struct Order {
  std::uint64_t id = 0;
  std::vector<Line> lines;
  std::optional<std::int16_t> note;
  std::variant<std::monostate, Colour, Line, std::vector<bool>> choice;
  std::map<std::pair<float, std::string>, zmq::Bytes> keyed;
  std::unordered_map<std::int64_t, std::string> hashed;
  std::set<std::string> names;
  std::array<std::byte, 3> raw{};
  std::tuple<std::chrono::milliseconds, std::chrono::duration<double>> times;
};

struct Tree {
  int value = 0;
  std::vector<Tree> kids;
};

struct Nothing {}; // everything in it is passed over

const zmq::CodecLimits limits{.max_bytes = 1u << 16, .max_memory = 1u << 22};

template <class T>
void check(std::span<const std::byte> body) {
  T value;
  try {
    value = zmq::decode<T>(body, limits);
  } catch (const zmq::DecodeError& e) {
    if (e.offset() > body.size())
      std::abort();
    return;
  }
  // What was accepted can be said again, and is then the same. Wider numbers than needed may
  // shrink and a short struct may grow, hence the defaults for limits here.
  const zmq::Bytes again = zmq::encode(value);
  if (zmq::encode(zmq::decode<T>(again)).size() != again.size())
    std::abort();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0)
    return 0;
  const auto body = std::as_bytes(std::span(data, size)).subspan(1);
  switch (data[0] % 5) {
  case 0:
    check<Order>(body);
    break;
  case 1:
    check<Tree>(body);
    break;
  case 2:
    check<Nothing>(body);
    break;
  case 3:
    check<std::vector<std::string>>(body);
    break;
  default:
    check<std::unordered_map<std::string, std::vector<Order>>>(body);
  }
  return 0;
}
