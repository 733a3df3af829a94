// SPDX-License-Identifier: MIT
// A timer on the thread's processor time, whose signal finds who runs.
#include <grove/actors/busy_sampling.hpp>

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <ctime>
#include <limits>
#include <stdexcept>
#include <string>
#include <system_error>

#include <grove/actors/detail/actor_state.hpp>
#include <grove/actors/spawn.hpp>

namespace grove {

namespace detail {

namespace {

// In units of busy_unit; of the sampling on this thread, 0: there is none.
constinit thread_local volatile std::uint32_t units_per_sample = 0;
struct sigaction previous;

void on_sample(int signal, siginfo_t* info, void* context) {
  if (info->si_code == SI_TIMER && info->si_value.sival_ptr == &previous) {
    const std::uint32_t units = units_per_sample; // 0: one that was under way when it ended
    Identity* const who = this_hub->current;
    if (units != 0 && who != nullptr && who->ops->accept == accept_mail) {
      std::uint32_t& busy = inbox_of(who).busy;
      const std::uint64_t sum =
          busy + std::uint64_t{units} * (1 + static_cast<std::uint32_t>(info->si_overrun));
      busy = static_cast<std::uint32_t>(
          std::min<std::uint64_t>(sum, std::numeric_limits<std::uint32_t>::max()));
    }
  } else if (previous.sa_handler != SIG_DFL && previous.sa_handler != SIG_IGN) {
    if ((previous.sa_flags & SA_SIGINFO) != 0)
      previous.sa_sigaction(signal, info, context);
    else
      previous.sa_handler(signal);
  }
}

// Once per process, for good: a signal may come when its sampling has ended.
void handle_samples() {
  static const bool handled = [] {
    struct sigaction action {};
    action.sa_sigaction = on_sample;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART;
    sigemptyset(&action.sa_mask);
    return sigaction(SIGPROF, &action, &previous) == 0;
  }();
  if (!handled)
    throw std::system_error(EINVAL, std::system_category(), "grove: BusySampling: SIGPROF");
}

} // namespace

} // namespace detail

BusySampling::BusySampling(std::chrono::nanoseconds period) {
  detail::here();
  if (period < detail::busy_unit)
    throw std::invalid_argument("grove: BusySampling: a period of " +
                                std::to_string(period.count()) + " ns is less than 100 us");
  if (detail::units_per_sample != 0)
    throw std::logic_error("grove: BusySampling: this hub is being sampled already");
  const auto units = std::min<std::int64_t>(period / detail::busy_unit, 1'000'000);
  detail::handle_samples();
  struct sigevent event {};
  event.sigev_notify = SIGEV_THREAD_ID;
  event.sigev_signo = SIGPROF;
  event.sigev_value.sival_ptr = &detail::previous;
  event._sigev_un._tid = gettid();
  timer_t timer{};
  if (timer_create(CLOCK_THREAD_CPUTIME_ID, &event, &timer) != 0)
    throw std::system_error(errno, std::system_category(), "grove: BusySampling: timer_create");
  timer_ = timer;
  detail::units_per_sample = static_cast<std::uint32_t>(units);
  const auto each = units * detail::busy_unit;
  itimerspec when{};
  when.it_interval.tv_sec = each / std::chrono::seconds(1);
  when.it_interval.tv_nsec = (each % std::chrono::seconds(1)).count();
  when.it_value = when.it_interval;
  timer_settime(timer, 0, &when, nullptr);
}

BusySampling::~BusySampling() {
  timer_delete(static_cast<timer_t>(timer_));
  detail::units_per_sample = 0;
}

} // namespace grove
