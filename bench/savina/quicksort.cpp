// SPDX-License-Identifier: MIT
// Savina 24, Quicksort: a tree of actors sorts a million numbers; fewer than 2,048 are sorted by
// one.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

#include <grove/actors/actor.hpp>
#include <grove/actors/spawn.hpp>

#include "savina/program.hpp"
#include "savina/work.hpp"

namespace {

constexpr std::size_t length = 1'000'000;
constexpr std::size_t threshold = 2'048;
constexpr std::int64_t seed = 1'024;

using Numbers = std::vector<std::int64_t>;

struct Parts {
  Numbers less;
  Numbers equal;
  Numbers greater;
};
Parts divide(const Numbers& numbers) {
  const std::int64_t pivot = numbers[numbers.size() / 2];
  Parts parts;
  for (const std::int64_t number : numbers) {
    if (number < pivot)
      parts.less.push_back(number);
    else if (number > pivot)
      parts.greater.push_back(number);
    else
      parts.equal.push_back(number);
  }
  return parts;
}
Numbers joined(Numbers first, const Numbers& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}
Numbers sort_alone(Numbers numbers) {
  if (numbers.size() < 2)
    return numbers;
  Parts parts = divide(numbers);
  return joined(joined(sort_alone(std::move(parts.less)), parts.equal),
                sort_alone(std::move(parts.greater)));
}

struct Sort {
  Numbers numbers;
};
enum class Side { less, greater };
struct Sorted {
  Side side;
  Numbers numbers;
};

class Sorter : public grove::Actor {
public:
  explicit Sorter(Numbers* result) : result_(result) {}
  Sorter(grove::ActorRef<Sorter> parent, Side side) : parent_(parent), side_(side) {}

  void receive(Sort&& sort) {
    if (sort.numbers.size() < threshold) {
      sorted_ = sort_alone(std::move(sort.numbers));
      finish();
      return;
    }
    Parts parts = divide(sort.numbers);
    sorted_ = std::move(parts.equal);
    grove::spawn<Sorter>(self(*this), Side::less).tell(Sort{std::move(parts.less)});
    grove::spawn<Sorter>(self(*this), Side::greater).tell(Sort{std::move(parts.greater)});
  }
  void receive(Sorted&& part) {
    sorted_ = part.side == Side::less ? joined(std::move(part.numbers), sorted_)
                                      : joined(std::move(sorted_), part.numbers);
    if (++parts_ == 2)
      finish();
  }

private:
  void finish() {
    if (result_ != nullptr)
      *result_ = std::move(sorted_);
    else
      parent_.tell(Sorted{side_, std::move(sorted_)});
    stop();
  }

  Numbers* result_ = nullptr; // of the root
  grove::ActorRef<Sorter> parent_;
  Side side_ = Side::less;
  Numbers sorted_;
  int parts_ = 0;
};

Numbers draw_numbers() {
  Numbers numbers(length);
  savina::PseudoRandom chance(seed);
  for (std::int64_t& number : numbers)
    number = chance.next();
  return numbers;
}

auto quicksort() {
  Numbers result;
  const auto root = grove::spawn<Sorter>(&result);
  root.tell(Sort{draw_numbers()});
  root.join();
  return [result = std::move(result)] {
    Numbers wanted = draw_numbers();
    std::sort(wanted.begin(), wanted.end());
    if (result != wanted)
      throw std::runtime_error("the numbers are not sorted, or not the ones that were given");
  };
}

SAVINA_PROGRAM("quicksort", quicksort);

} // namespace
