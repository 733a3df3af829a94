// SPDX-License-Identifier: MIT
// The hub's epoll set: who is called, in which order, and what happens to numbers that are used
// again.
#include <algorithm>
#include <memory>
#include <vector>

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <grove/hub/detail/watch.hpp>
#include <grove/hub/hub.hpp>

#include "../../hub/src/hub_impl.hpp"
#include "../support/hub_test.hpp"

namespace grove::test {
namespace {

using namespace std::chrono_literals;
using detail::readable;
using detail::Watch;
using detail::writable;

class Counter { // an eventfd
public:
  explicit Counter(int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) : fd_(fd) {}
  Counter(const Counter&) = delete;
  Counter& operator=(const Counter&) = delete;
  ~Counter() { close(fd_); }
  [[nodiscard]] int fd() const { return fd_; }
  void set() const { EXPECT_EQ(eventfd_write(fd_, 1), 0); }
  void reset() const {
    eventfd_t value = 0;
    EXPECT_EQ(eventfd_read(fd_, &value), 0);
  }

private:
  int fd_;
};

class PollerTest : public HubTest {
protected:
  // Notes who is called, and stops it if it is told to.
  struct Noted : Watch {
    std::vector<Noted*>* calls;
    unsigned directions = 0;
    Watch* stops = nullptr;
    Noted(int fd, unsigned interest, std::vector<Noted*>& into)
        : Watch(fd, interest,
                [](Watch& w, unsigned ready) noexcept {
                  auto& self = static_cast<Noted&>(w);
                  self.calls->push_back(&self);
                  self.directions = ready;
                  if (self.stops != nullptr)
                    self.stops->stop();
                }),
          calls(&into) {}
  };
  std::vector<Noted*> calls;

  std::size_t poll() {
    calls.clear();
    detail::HubImpl::here().poller.poll(false);
    return calls.size();
  }
  static std::uint64_t sleeps() { return Hub::current().stats().sleeps; }
};

// pitfall 45
TEST_F(PollerTest, the_first_that_was_ready_is_called_first) {
  std::vector<std::unique_ptr<Counter>> counters;
  std::vector<std::unique_ptr<Noted>> watches;
  for (int i = 0; i < 20; ++i) {
    counters.push_back(std::make_unique<Counter>());
    watches.push_back(std::make_unique<Noted>(counters.back()->fd(), readable, calls));
    watches.back()->start();
  }
  EXPECT_EQ(poll(), 0u); // all are registered
  std::vector<Noted*> expected;
  for (std::size_t i = 0; i < counters.size(); ++i) {
    const std::size_t one = i * 7 % counters.size();
    counters[one]->set();
    expected.push_back(watches[one].get());
  }
  poll();
  EXPECT_EQ(calls, expected);
}

TEST_F(PollerTest, of_more_than_it_takes_at_once_none_is_left_out) {
  constexpr std::size_t count = 300;
  std::vector<std::unique_ptr<Counter>> counters;
  std::vector<std::unique_ptr<Noted>> watches;
  for (std::size_t i = 0; i < count; ++i) {
    counters.push_back(std::make_unique<Counter>());
    counters.back()->set();
    watches.push_back(std::make_unique<Noted>(counters.back()->fd(), readable, calls));
    watches.back()->start();
  }
  std::vector<Noted*> seen;
  while (seen.size() < count) {
    ASSERT_GT(poll(), 0u);
    seen.insert(seen.end(), calls.begin(), calls.end());
  }
  seen.resize(count); // the last poll may have begun again from the first
  std::sort(seen.begin(), seen.end());
  EXPECT_EQ(std::unique(seen.begin(), seen.end()), seen.end());
}

TEST_F(PollerTest, watches_of_one_descriptor_hear_each_of_its_own_direction) {
  const Counter counter;
  Noted reads(counter.fd(), readable, calls);
  Noted writes(counter.fd(), writable, calls);
  reads.start();
  writes.start();
  ASSERT_EQ(poll(), 1u);
  EXPECT_EQ(calls.front(), &writes);
  EXPECT_EQ(writes.directions, writable);
  counter.set();
  EXPECT_EQ(poll(), 2u);
  EXPECT_EQ(reads.directions, readable);
  writes.stop();
  EXPECT_EQ(poll(), 1u);
  EXPECT_EQ(poll(), 1u) << "the kernel was told that nobody wants to write";
  counter.reset();
  EXPECT_EQ(poll(), 0u);
  writes.start();
  EXPECT_EQ(poll(), 1u);
}

// pitfall 39
TEST_F(PollerTest, one_that_another_stops_is_not_called_any_more) {
  const Counter counter;
  const Counter other;
  Noted first(counter.fd(), readable, calls);
  Noted second(counter.fd(), readable, calls);
  Noted third(other.fd(), readable, calls);
  for (Noted* one : {&first, &second, &third})
    one->start();
  poll();
  counter.set();
  other.set();
  first.stops = &second; // whichever comes first stops the other
  second.stops = &first;
  EXPECT_EQ(poll(), 2u);
  EXPECT_NE(first.active(), second.active());
  (first.active() ? first : second).stops = &third;
  ASSERT_EQ(poll(), 1u) << "it came before the third";
  EXPECT_NE(calls.front(), &third);
  EXPECT_EQ(poll(), 1u);
}

TEST_F(PollerTest, one_that_stops_itself_may_start_again) {
  const Counter counter;
  Noted watch(counter.fd(), readable, calls);
  watch.stops = &watch;
  watch.start();
  counter.set();
  EXPECT_EQ(poll(), 1u);
  EXPECT_EQ(poll(), 0u); // the kernel is told by now
  for (int i = 0; i < 3; ++i) {
    watch.start();
    EXPECT_EQ(poll(), 1u);
  }
}

// A registration outlives its number, as the description is open elsewhere: nobody can take it
// back. pitfall 40
TEST_F(PollerTest, what_a_number_stood_for_is_not_mistaken_for_what_it_stands_for_now) {
  auto old = std::make_unique<Counter>();
  const int number = old->fd();
  const Counter kept(fcntl(number, F_DUPFD_CLOEXEC, 0)); // the same counter
  auto watch = std::make_unique<Noted>(number, readable, calls);
  watch->start();
  poll();
  watch.reset();
  old.reset();
  const Counter fresh;
  ASSERT_EQ(fresh.fd(), number);
  Noted next(number, readable, calls);
  next.start();
  kept.set(); // which the kernel reports for that number
  EXPECT_EQ(poll(), 0u);
  EXPECT_EQ(poll(), 0u);
  const auto before = sleeps();
  sleep(2ms);
  EXPECT_LT(sleeps() - before, 100u) << "it is reported over and over";
  fresh.set();
  EXPECT_EQ(poll(), 1u);
}

TEST_F(PollerTest, without_a_descriptor_for_a_new_set_it_goes_on_with_the_old_one) {
  auto old = std::make_unique<Counter>();
  const Counter kept(fcntl(old->fd(), F_DUPFD_CLOEXEC, 0));
  const Counter other;
  Noted watch(other.fd(), readable, calls);
  watch.start();
  {
    Noted gone(old->fd(), readable, calls);
    gone.start();
    poll();
  }
  old.reset();
  kept.set();
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  const rlimit none{0, limit.rlim_max};
  setrlimit(RLIMIT_NOFILE, &none);
  EXPECT_EQ(poll(), 0u);
  other.set();
  EXPECT_EQ(poll(), 1u);
  setrlimit(RLIMIT_NOFILE, &limit);
  EXPECT_EQ(poll(), 1u);
  other.reset();
  EXPECT_EQ(poll(), 0u);
}

// pitfall 42
TEST_F(PollerTest, a_watch_that_starts_again_is_registered_though_its_number_was_opened_anew) {
  auto counter = std::make_unique<Counter>();
  const int number = counter->fd();
  Noted watch(number, readable, calls);
  watch.start();
  EXPECT_EQ(poll(), 0u);
  watch.stop();
  counter.reset();
  counter = std::make_unique<Counter>();
  ASSERT_EQ(counter->fd(), number);
  watch.start();
  counter->set();
  EXPECT_EQ(poll(), 1u);
}

// pitfall 47
TEST_F(PollerTest, what_epoll_refuses_is_ready_as_long_as_it_is_watched) {
  const int directory = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  ASSERT_GE(directory, 0);
  Noted watch(directory, readable, calls);
  watch.start();
  EXPECT_EQ(poll(), 1u);
  EXPECT_EQ(poll(), 1u);
  watch.stop();
  EXPECT_EQ(poll(), 0u);
  const auto before = sleeps();
  sleep(2ms);
  EXPECT_LT(sleeps() - before, 100u);
  watch.start();
  EXPECT_EQ(poll(), 1u);
  watch.stop();
  close(directory);
}

} // namespace
} // namespace grove::test
