// expect: could not convert|no viable conversion|cannot convert
// SPDX-License-Identifier: MIT
// The result of a greenlet has the type that its function returns.
#include <string>

#include <grove/hub/greenlet.hpp>

std::string f() {
  return grove::spawn([] { return 1; }).get();
}
