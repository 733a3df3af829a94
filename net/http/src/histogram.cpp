// SPDX-License-Identifier: MIT
// Counting between bounds.
#include <grove/http/histogram.hpp>

#include <algorithm>
#include <cmath>
#include <functional>
#include <stdexcept>
#include <utility>

namespace grove::http {

Histogram::Histogram(std::vector<double> bounds)
    : bounds_(std::move(bounds)), counts_(bounds_.size() + 1) {
  if (!std::ranges::all_of(bounds_, [](double bound) { return std::isfinite(bound); }) ||
      std::ranges::adjacent_find(bounds_, std::greater_equal<>()) != bounds_.end())
    throw std::invalid_argument("grove: http: Histogram: the bounds do not ascend");
}

void Histogram::observe(double value) {
  const auto bound = std::ranges::lower_bound(bounds_, value);
  counts_[static_cast<std::size_t>(bound - bounds_.begin())].fetch_add(1,
                                                                       std::memory_order_relaxed);
  sum_.fetch_add(value, std::memory_order_relaxed);
}

std::vector<std::uint64_t> Histogram::counts_up_to() const {
  std::vector<std::uint64_t> all;
  std::uint64_t count = 0;
  for (const auto& each : counts_)
    all.push_back(count += each.load(std::memory_order_relaxed));
  return all;
}

} // namespace grove::http
