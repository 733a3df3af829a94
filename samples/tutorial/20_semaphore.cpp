// SPDX-License-Identifier: MIT
// Semaphore: two permits, taken and given back by hand, and by a guard.
#include <fmt/core.h>

#include <chrono>
#include <ranges>

#include <grove/hub.hpp>

using namespace std::chrono_literals;

namespace {

// A permit that is given back at the end of the block, whatever ends it.
class Permit {
public:
  explicit Permit(grove::Semaphore& sem) : sem_(sem) { sem_.acquire(); }
  Permit(const Permit&) = delete;
  Permit& operator=(const Permit&) = delete;
  ~Permit() { sem_.release(); }

private:
  grove::Semaphore& sem_;
};

} // namespace

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
      const Permit permit(sem);
      fmt::print("Worker {} acquired semaphore\n", n);
      grove::sleep(0s);
    }
    fmt::print("Worker {} released semaphore\n", n);
  };

  grove::Pool pool;
  pool.map(worker1, std::views::iota(0, 2));
  pool.map(worker2, std::views::iota(3, 6));
}
