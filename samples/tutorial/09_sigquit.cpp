// SPDX-License-Identifier: MIT
// on_signal: SIGQUIT ends a greenlet that would sleep on, and so the program.
#include <chrono>
#include <csignal>

#include <grove/hub.hpp>

using namespace std::chrono_literals;

namespace {

void run_forever() { grove::sleep(1000s); }

} // namespace

int main() {
  const auto thread = grove::spawn(run_forever);
  const auto on_quit = grove::on_signal(SIGQUIT, [&] { thread.kill_nowait(); });
  thread.join();
}
