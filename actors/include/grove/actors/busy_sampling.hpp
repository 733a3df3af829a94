// SPDX-License-Identifier: MIT
// BusySampling: which actors use the processor.
#pragma once

#include <chrono>

namespace grove {

// While one lives, its hub's actors are sampled: each `period` of processor time that the hub's
// thread uses is put down to the actor that runs at its end (ActorInfo::busy). It costs one signal
// (SIGPROF) per period, nothing in between, and nothing while the hub sleeps; the kernel may
// stretch periods to its own tick, which is allowed for. A handler that was there before is called
// for all other signals. On a hub's thread, one at a time there (else std::logic_error);
// std::invalid_argument for a period of less than 100 us, std::system_error if there can be no
// timer.
class BusySampling {
public:
  explicit BusySampling(std::chrono::nanoseconds period = std::chrono::milliseconds(1));
  BusySampling(const BusySampling&) = delete;
  BusySampling& operator=(const BusySampling&) = delete;
  ~BusySampling();

private:
  void* timer_ = nullptr; // a timer_t
};

} // namespace grove
