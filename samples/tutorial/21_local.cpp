// SPDX-License-Identifier: MIT
// GreenletLocal: a variable of which each greenlet has its own.
#include <fmt/core.h>

#include <grove/hub.hpp>

namespace {

const grove::GreenletLocal<int> x;
const grove::GreenletLocal<int> y;

void f1() {
  x.set(1);
  fmt::print("{}\n", *x);
}

void f2() {
  y.set(2);
  fmt::print("{}\n", *y);

  if (!x.has_value())
    fmt::print("x is not local to f2\n");
}

} // namespace

int main() {
  grove::join_all({
      grove::spawn(f1),
      grove::spawn(f2),
  });
}
