// SPDX-License-Identifier: MIT
// Semaphore: two permits, taken and given back by hand, and by a guard.
#include <fmt/core.h>

#include <chrono>
#include <mutex>
#include <ranges>

#include <grove/hub.hpp>

using namespace std::chrono_literals;

int main() {
  grove::Semaphore sem(2, grove::Semaphore::bounded);

  const auto worker1 = [&](int n) {
    sem.acquire();
    fmt::print("Worker {} acquired semaphore\n", n);
    grove::sleep(0s);
    sem.release();
    fmt::print("Worker {} released semaphore\n", n);
  };
  const auto worker2 = [&](int n) {
    {
      const std::lock_guard permit(sem);
      fmt::print("Worker {} acquired semaphore\n", n);
      grove::sleep(0s);
    }
    fmt::print("Worker {} released semaphore\n", n);
  };

  grove::Pool pool;
  pool.map(worker1, std::views::iota(0, 2));
  pool.map(worker2, std::views::iota(3, 6));
}
