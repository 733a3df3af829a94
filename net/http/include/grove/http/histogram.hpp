// SPDX-License-Identifier: MIT
// Histogram: how many values were how large.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace grove::http {

// Histogram counts values between bounds, for Metrics:
//
//     Histogram seconds;
//     options.access_log = [&](const AccessRecord& record) {
//       seconds.observe(std::chrono::duration<double>(record.duration).count());
//     };
//
// Any thread, any number at a time; nothing waits.
class Histogram {
public:
  // Seconds of requests, by default. std::invalid_argument unless they ascend and are finite.
  explicit Histogram(std::vector<double> bounds = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1,
                                                   0.25, 0.5, 1, 2.5, 5, 10});
  void observe(double value);

  const std::vector<double>& bounds() const { return bounds_; }
  // How many were at most the bound of that index; behind the last bound, how many at all. What
  // comes meanwhile may be seen in some and not in others.
  std::vector<std::uint64_t> counts_up_to() const;
  double sum() const { return sum_.load(std::memory_order_relaxed); }

private:
  std::vector<double> bounds_;
  std::vector<std::atomic<std::uint64_t>> counts_; // between a bound and the one before
  std::atomic<double> sum_{0};
};

} // namespace grove::http
