// SPDX-License-Identifier: MIT
// What all implementations of the Savina suite share, whatever they are written with: the numbers
// that are drawn, and the work that is no message.
#pragma once

#include <cmath>
#include <cstdint>
#include <stdexcept>

namespace savina {

// The suite's own generator: 0 to 65,535, the same in every language.
class PseudoRandom {
public:
  explicit PseudoRandom(std::int64_t seed = 74'755) : value_(seed) {}
  std::int64_t next() { return value_ = (value_ * 1309 + 13'849) & 65'535; }
  std::int64_t next(std::int64_t bound) { return next() % bound; }
  double next_fraction() { return 1.0 / static_cast<double>(next() + 1); }

private:
  std::int64_t value_;
};

// For the compiler: the value is read, and may have changed.
template <class T>
void keep(T& value) {
  asm volatile("" : "+m"(value) : : "memory");
}

// The work of one message in the fork-join programs.
inline void compute() {
  double angle = 37.2;
  keep(angle);
  const double sine = std::sin(angle);
  if (sine * sine <= 0)
    throw std::logic_error("savina: sin(37.2) is not what it was");
}

// So many numbers are drawn for nothing.
inline void busy_wait(std::int64_t steps) {
  PseudoRandom chance;
  for (std::int64_t i = 0; i < steps; ++i) {
    std::int64_t drawn = chance.next();
    keep(drawn);
  }
}

} // namespace savina
