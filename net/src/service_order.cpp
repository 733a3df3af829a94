// SPDX-License-Identifier: MIT
#include "service_order.hpp"

#include <algorithm>

namespace grove::net::detail {

void order_services(std::vector<Service>& services, const std::function<std::uint64_t()>& random) {
  // Those of weight 0 stand first, and so are drawn now and then, too.
  std::stable_sort(services.begin(), services.end(), [](const Service& a, const Service& b) {
    return a.priority != b.priority ? a.priority < b.priority : a.weight == 0 && b.weight != 0;
  });
  for (auto begin = services.begin(); begin != services.end(); ++begin) {
    std::uint64_t sum = 0;
    auto end = begin;
    for (; end != services.end() && end->priority == begin->priority; ++end)
      sum += end->weight;
    const std::uint64_t drawn = random() % (sum + 1);
    std::uint64_t running = 0;
    auto chosen = begin;
    while (running += chosen->weight, running < drawn)
      ++chosen;
    std::rotate(begin, chosen, chosen + 1); // the others stay in order
  }
}

} // namespace grove::net::detail
