// SPDX-License-Identifier: MIT
// sleep, usleep, nanosleep, clock_nanosleep: no signal ends them early.
#include <unistd.h>

#include <chrono>
#include <ctime>

#include "poll.hpp"

namespace grove::patch {

namespace {

using std::chrono::nanoseconds;

nanoseconds left_until(Deadline deadline) {
  const auto left = nanoseconds(deadline.nanoseconds()) - now().time_since_epoch();
  return std::max(left, nanoseconds(0));
}

timespec in_words(nanoseconds time) {
  return {time.count() / 1'000'000'000, time.count() % 1'000'000'000};
}

// 0, ECANCELED, or -1: the kernel's affair.
int sleep_for(Id id, const timespec& time, timespec* left) {
  const int before = errno;
  const Deadline deadline = after(time);
  const Waited why = sleep_until(id, deadline);
  if (why == Waited::inert)
    return -1;
  const int error = why == Waited::ready ? 0 : errno;
  errno = before;
  if (error != 0 && left != nullptr)
    *left = deadline.is_never() ? time : in_words(left_until(deadline));
  return error;
}

// Until a clock that may be set says so: what is left is asked again.
int sleep_by(Id id, clockid_t clock, const timespec& end) {
  for (;;) {
    timespec now{};
    if (clock_gettime(clock, &now) != 0)
      return EINVAL;
    timespec left{end.tv_sec - now.tv_sec, end.tv_nsec - now.tv_nsec};
    if (left.tv_nsec < 0) {
      --left.tv_sec;
      left.tv_nsec += 1'000'000'000;
    }
    if (left.tv_sec < 0 || (left.tv_sec == 0 && left.tv_nsec == 0))
      return 0;
    const int error = sleep_for(id, left, nullptr);
    if (error != 0)
      return error;
  }
}

bool is_zero(const timespec& time) { return time.tv_sec == 0 && time.tv_nsec == 0; }

} // namespace

GROVE_HOOK(unsigned, sleep, (unsigned seconds)) {
  GROVE_COUNT(sleep);
  if (seconds == 0 || !green(sleeping))
    return GROVE_REAL(sleep)(seconds);
  timespec left{};
  const int error = sleep_for(Id::sleep, {static_cast<time_t>(seconds), 0}, &left);
  if (error == -1)
    return GROVE_REAL(sleep)(seconds);
  if (error == 0)
    return 0;
  errno = error;
  return static_cast<unsigned>(left.tv_sec) + (left.tv_nsec > 0 ? 1 : 0);
}

GROVE_HOOK(int, usleep, (useconds_t time)) {
  GROVE_COUNT(usleep);
  if (time == 0 || !green(sleeping))
    return GROVE_REAL(usleep)(time);
  const timespec wanted{time / 1'000'000, static_cast<long>(time % 1'000'000) * 1'000};
  const int error = sleep_for(Id::usleep, wanted, nullptr);
  if (error == -1)
    return GROVE_REAL(usleep)(time);
  if (error == 0)
    return 0;
  errno = error;
  return -1;
}

GROVE_HOOK(int, nanosleep, (const timespec* time, timespec* left)) {
  GROVE_COUNT(nanosleep);
  if (time == nullptr || !is_valid(*time) || is_zero(*time) || !green(sleeping))
    return GROVE_REAL(nanosleep)(time, left);
  const int error = sleep_for(Id::nanosleep, *time, left);
  if (error == -1)
    return GROVE_REAL(nanosleep)(time, left);
  if (error == 0)
    return 0;
  errno = error;
  return -1;
}

GROVE_HOOK(int, clock_nanosleep,
           (clockid_t clock, int flags, const timespec* time, timespec* left)) {
  GROVE_COUNT(clock_nanosleep);
  const bool of_the_wall =
      clock == CLOCK_REALTIME || clock == CLOCK_MONOTONIC || clock == CLOCK_BOOTTIME;
  if (time == nullptr || !of_the_wall || !is_valid(*time) || !green(sleeping))
    return GROVE_REAL(clock_nanosleep)(clock, flags, time, left);
  if ((flags & TIMER_ABSTIME) == 0 && is_zero(*time))
    return GROVE_REAL(clock_nanosleep)(clock, flags, time, left);
  const int error = (flags & TIMER_ABSTIME) != 0 ? sleep_by(Id::clock_nanosleep, clock, *time)
                                                 : sleep_for(Id::clock_nanosleep, *time, left);
  return error == -1 ? GROVE_REAL(clock_nanosleep)(clock, flags, time, left) : error;
}

} // namespace grove::patch
