// SPDX-License-Identifier: MIT
// savina NAME [RUNS]: runs a program, on one scheduler thread, and prints a line "savina/NAME
// MILLISECONDS" for each run: from the first actor until all have ended.
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>

#include "savina.hpp"

namespace {

struct Program {
  const char* name;
  void (*run)(caf::actor_system&);
};
constexpr Program programs[] = {
    {"pingpong", savina::pingpong},
    {"count", savina::count},
    {"fjthrput", savina::fjthrput},
    {"fjcreate", savina::fjcreate},
    {"threadring", savina::threadring},
    {"chameneos", savina::chameneos},
    {"big", savina::big},
    {"banking", savina::banking},
    {"fib", savina::fib},
};

} // namespace

int main(int argc, char** argv) {
  const int runs = argc > 2 ? std::atoi(argv[2]) : 1;
  for (const Program& program : programs) {
    if (argc < 2 || std::strcmp(argv[1], program.name) != 0)
      continue;
    caf::actor_system_config config;
    config.set("scheduler.max-threads", std::size_t{1});
    caf::actor_system system{config};
    for (int i = 0; i < runs; ++i) {
      const auto start = std::chrono::steady_clock::now();
      try {
        program.run(system);
      } catch (const std::exception& error) {
        std::fprintf(stderr, "savina/%s: %s\n", program.name, error.what());
        std::_Exit(1);
      }
      const std::chrono::duration<double, std::milli> taken =
          std::chrono::steady_clock::now() - start;
      std::printf("savina/%s %.3f\n", program.name, taken.count());
      std::fflush(stdout);
    }
    return 0;
  }
  std::fprintf(stderr, "usage: savina NAME [RUNS]; the names:");
  for (const Program& program : programs)
    std::fprintf(stderr, " %s", program.name);
  std::fprintf(stderr, "\n");
  return 2;
}
