// SPDX-License-Identifier: MIT
// What tests/gdb/gdb_test.sh looks into: two hubs with parked greenlets, stopped by SIGTRAP.
#include <chrono>
#include <csignal>

#include <grove/hub/event.hpp>
#include <grove/hub/greenlet.hpp>
#include <grove/hub/hub_thread.hpp>
#include <grove/hub/queue.hpp>

[[gnu::noinline]] void innermost(grove::Event& event) {
  event.wait();
  asm volatile("" ::: "memory"); // no tail call: the frame stays
}

[[gnu::noinline]] void outermost(grove::Event& event) {
  innermost(event);
  asm volatile("" ::: "memory");
}

[[gnu::noinline]] void takes_from(grove::Queue<int>& queue) {
  queue.get();
  asm volatile("" ::: "memory");
}

[[gnu::noinline]] void sleeps_elsewhere() {
  grove::sleep(std::chrono::hours(1));
  asm volatile("" ::: "memory");
}

int main() {
  grove::Event never;
  grove::Queue<int> queue;
  auto a = grove::spawn(grove::SpawnOptions{.name = "waits-for-event"}, [&] { outermost(never); });
  auto b = grove::spawn([&] { takes_from(queue); });
  grove::HubThread other;
  other.hub().post([] { sleeps_elsewhere(); });
  grove::sleep(std::chrono::milliseconds(50));
  std::raise(SIGTRAP);
  a.kill();
  b.kill();
}
