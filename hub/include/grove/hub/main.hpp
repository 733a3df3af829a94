// SPDX-License-Identifier: MIT
// Main: ordered start and end of a process, its signals and exit codes.
#pragma once

#include <concepts>
#include <functional>
#include <type_traits>
#include <utility>

#include <grove/hub/exceptions.hpp>
#include <grove/hub/greenlet.hpp>

namespace grove {

// While a Main lives, SIGINT and SIGTERM are thrown as Interrupted in the main greenlet, at its
// suspension point; a second one ends the process as if Main were not there. Its destructor shuts
// the hub down in order: every greenlet and actor that is left is killed and unwound, before the
// statics go. A first signal that comes meanwhile changes nothing, as the end is under way; a
// second one ends the process here too. One at a time, on the main thread.
//
// Without a Main, main() may wait as well; what is still parked when it returns is abandoned: the
// memory goes with the process, nothing is unwound.
class Main {
public:
  Main();
  Main(const Main&) = delete;
  Main& operator=(const Main&) = delete;
  ~Main();
};

namespace detail {
int run_main(const std::function<int()>& f);
}

// The whole of a main(): `return grove::main(argc, argv, f);` calls f(argc, argv) (or f()) under a
// Main and returns its int; 0 if it returns nothing; 1 after an exception, whose text goes to
// stderr; 128 + the signal's number after SIGINT or SIGTERM, unless f catches Interrupted.
template <class F>
int main(int argc, char** argv, F&& f) {
  return detail::run_main([&]() -> int {
    const auto call = [&]() -> decltype(auto) {
      if constexpr (std::invocable<F, int, char**>)
        return std::forward<F>(f)(argc, argv);
      else
        return std::forward<F>(f)();
    };
    if constexpr (std::is_void_v<decltype(call())>) {
      call();
      return 0;
    } else {
      return call();
    }
  });
}

} // namespace grove
