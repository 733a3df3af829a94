// SPDX-License-Identifier: MIT
// Threads finish in any order; greenlets in the same one, run after run.
#include <fmt/core.h>

#include <chrono>
#include <ranges>
#include <thread>
#include <vector>

#include <grove/hub.hpp>

using namespace std::chrono_literals;

namespace {

// The numbers from 0 to 9 in the order in which ten calls of echo at once give them back.
template <class Echo>
std::vector<int> order_of(Echo echo) {
  grove::Pool pool(10);
  std::vector<int> order;
  for (const int i : pool.imap_unordered(echo, std::views::iota(0, 10)))
    order.push_back(i);
  return order;
}

template <class Echo>
void print_if_four_runs_agree(Echo echo) {
  const auto run1 = order_of(echo);
  const auto run2 = order_of(echo);
  const auto run3 = order_of(echo);
  const auto run4 = order_of(echo);
  fmt::print("{}\n", run1 == run2 && run2 == run3 && run3 == run4 ? "True" : "False");
}

} // namespace

int main() {
  grove::ThreadPool threads(10);
  print_if_four_runs_agree([&](int i) {
    return threads.run([i] {
      std::this_thread::sleep_for(1ms);
      return i;
    });
  });

  print_if_four_runs_agree([](int i) {
    grove::sleep(1ms);
    return i;
  });
}
