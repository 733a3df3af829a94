// SPDX-License-Identifier: MIT
// zmq_bench ROW TRANSPORT SIZE COUNT: runs one row once and prints its figures.
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include <grove/hub/main.hpp>

#include "zmq/rows.hpp"

namespace {

struct Row {
  std::string_view name;
  void (*run)(const bench::Load&);
};
constexpr Row rows[] = {
    {"push_pull", bench::push_pull},
    {"req_rep", bench::req_rep},
    {"one_hub", bench::one_hub},
    {"pipeline", bench::pipeline},
};

int run(int argc, char** argv) {
  if (argc == 5) {
    const bench::Load load{argv[2], std::strtoul(argv[3], nullptr, 10),
                           std::strtoll(argv[4], nullptr, 10)};
    for (const Row& row : rows) {
      if (row.name == argv[1] && load.size >= 8 && load.count > 1) {
        row.run(load);
        return 0;
      }
    }
  }
  std::fputs("usage: zmq_bench push_pull|req_rep|one_hub|pipeline tcp|inproc SIZE COUNT\n", stderr);
  return 2;
}

} // namespace

int main(int argc, char** argv) { return grove::main(argc, argv, run); }
