// SPDX-License-Identifier: MIT
// What a stretch of work took: time, and the processor time of all threads of this process. Shared
// with the drivers of peers that are written in C++.
#pragma once

#include <sys/resource.h>

#include <chrono>
#include <cstdint>
#include <cstdio>

namespace bench {

class Meter { // begins with its construction
public:
  // "ns TIME" and "cpu_ns TIME", each for one of `count` things.
  void print(std::int64_t count) const {
    const auto n = static_cast<double>(count);
    const std::chrono::duration<double, std::nano> time = Clock::now() - begin_;
    std::printf("ns %.2f\ncpu_ns %.2f\n", time.count() / n, (cpu() - cpu_) / n);
  }

private:
  using Clock = std::chrono::steady_clock;
  static double cpu() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    const auto ns = [](const timeval& t) {
      return static_cast<double>(t.tv_sec) * 1e9 + static_cast<double>(t.tv_usec) * 1e3;
    };
    return ns(usage.ru_utime) + ns(usage.ru_stime);
  }
  double cpu_ = cpu();
  Clock::time_point begin_ = Clock::now();
};

} // namespace bench
