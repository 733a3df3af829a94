// SPDX-License-Identifier: MIT
// poll, select, epoll_wait.
#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/select.h>

#include <array>
#include <csignal>
#include <thread>
#include <vector>

#include <grove/net/poll.hpp>

#include "sockets.hpp"

namespace grove::test {
namespace {

class PatchPollTest : public HubTest {};

void put(int fd) { EXPECT_EQ(send(fd, "x", 1, 0), 1); }

TEST_F(PatchPollTest, one_descriptor_is_waited_for) {
  const Sockets pair;
  pollfd entry{pair.a, POLLIN, 0};
  auto waiting = waiting_call([&] { return poll(&entry, 1, -1); });
  put(pair.b);
  EXPECT_EQ(waiting.get(), (Returned{1, 0}));
  EXPECT_EQ(entry.revents, POLLIN);
  EXPECT_EQ(poll(&entry, 1, 0), 1);
}

TEST_F(PatchPollTest, a_time_limit_ends_it_with_nothing) {
  const Sockets pair;
  pollfd entry{pair.a, POLLIN, 0};
  const auto start = Clock::now();
  EXPECT_EQ(poll(&entry, 1, 5), 0);
  EXPECT_GE(Clock::now() - start, 5ms);
  const timespec limit{0, 5'000'000};
  EXPECT_EQ(ppoll(&entry, 1, &limit, nullptr), 0);
  EXPECT_EQ(poll(nullptr, 0, 5), 0);
  EXPECT_GE(Clock::now() - start, 15ms);
}

// pitfall 76
TEST_F(PatchPollTest, many_descriptors_some_of_them_twice_or_none) {
  std::vector<std::unique_ptr<Sockets>> pairs;
  std::vector<pollfd> entries{{-1, POLLIN, 0}};
  for (int i = 0; i < 50; ++i) {
    pairs.push_back(std::make_unique<Sockets>());
    entries.push_back({pairs.back()->a, POLLIN, 0});
    entries.push_back({pairs.back()->a, POLLIN | POLLPRI, 0});
  }
  auto waiting = waiting_call([&] { return poll(entries.data(), entries.size(), -1); });
  put(pairs[20]->b);
  EXPECT_EQ(waiting.get(), (Returned{2, 0}));
  for (std::size_t i = 0; i < entries.size(); ++i)
    EXPECT_EQ(entries[i].revents, i == 41 || i == 42 ? POLLIN : 0) << i;
}

// pitfall 76
TEST_F(PatchPollTest, what_is_not_open_is_told_at_once) {
  pollfd entry{987, POLLIN, 0};
  EXPECT_EQ(poll(&entry, 1, -1), 1);
  EXPECT_EQ(entry.revents, POLLNVAL);
}

TEST_F(PatchPollTest, what_never_has_urgent_data_is_waited_for_until_the_limit) {
  const int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
  pollfd entry{null, POLLPRI, 0};
  EXPECT_EQ(poll(&entry, 1, 5), 0);
  fd_set excepts;
  FD_ZERO(&excepts);
  FD_SET(null, &excepts);
  timeval limit{0, 5'000};
  EXPECT_EQ(select(null + 1, nullptr, nullptr, &excepts, &limit), 0);
  close(null);
}

// reliability 10
TEST_F(PatchPollTest, closing_ends_it_with_pollnval) {
  Sockets pair;
  pollfd entry{pair.b, POLLIN, 0};
  auto waiting = waiting_call([&] { return poll(&entry, 1, -1); });
  close(std::exchange(pair.b, -1));
  EXPECT_EQ(waiting.get(), (Returned{1, 0}));
  EXPECT_EQ(entry.revents, POLLNVAL);
}

// The number is in a set of their own, which the kernel takes it out of without a word.
// pitfall 38
TEST_F(PatchPollTest, closing_wakes_those_who_wait_for_many) {
  Sockets pair;
  pollfd urgent{pair.b, POLLPRI, 0};
  auto for_urgent = waiting_call([&] { return poll(&urgent, 1, -1); });
  pollfd entry{pair.b, POLLIN, 0};
  auto of_net = waiting_call([&] { return net::poll({&entry, 1}); });
  auto reader = waiting_call([&] { return take(pair.b); });
  close(std::exchange(pair.b, -1));
  EXPECT_EQ(for_urgent.get(), (Returned{1, 0}));
  EXPECT_EQ(urgent.revents, POLLNVAL);
  EXPECT_EQ(of_net.get().value, 1);
  EXPECT_EQ(entry.revents, POLLNVAL);
  EXPECT_EQ(reader.get(), (Returned{-1, EBADF}));
}

TEST_F(PatchPollTest, so_does_dup2_over_it) {
  Sockets pair;
  const Sockets other;
  pollfd entry{pair.b, POLLIN, 0};
  auto waiting = waiting_call([&] { return net::poll({&entry, 1}); });
  put(other.b);
  ASSERT_EQ(dup2(other.a, pair.b), pair.b);
  EXPECT_EQ(waiting.get().value, 1) << "the number stands for one that is ready";
  EXPECT_EQ(entry.revents, POLLIN);
}

TEST_F(PatchPollTest, hang_ups_and_urgent_data_are_seen_beside_data_that_is_not_asked_for) {
  Listener listener;
  const int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ASSERT_EQ(connect(client, listener.where(), sizeof listener.address), 0);
  const int server = accept(listener.fd, nullptr, nullptr);
  put(client);
  std::array<pollfd, 1> urgent{pollfd{server, POLLPRI, 0}};
  auto first = waiting_call([&] { return poll(urgent.data(), 1, -1); });
  EXPECT_EQ(send(client, "!", 1, MSG_OOB), 1);
  EXPECT_EQ(first.get().value, 1);
  EXPECT_EQ(urgent[0].revents, POLLPRI);
  std::array<pollfd, 1> nothing{pollfd{server, 0, 0}};
  auto second = waiting_call([&] { return poll(nothing.data(), 1, -1); });
  shutdown(server, SHUT_RDWR);
  EXPECT_EQ(second.get().value, 1);
  EXPECT_EQ(nothing[0].revents & POLLHUP, POLLHUP);
  close(server);
  close(client);
}

TEST_F(PatchPollTest, one_may_poll_while_another_reads) {
  const Sockets pair;
  pollfd entry{pair.a, POLLIN, 0};
  auto poller = waiting_call([&] { return poll(&entry, 1, -1); });
  char byte = 0;
  auto reader = waiting_call([&] { return recv(pair.a, &byte, 1, 0); });
  put(pair.b);
  EXPECT_EQ(reader.get().value, 1);
  put(pair.b);
  EXPECT_EQ(poller.get().value, 1);
}

// reliability 10
TEST_F(PatchPollTest, a_kill_ends_each_of_them_with_ecanceled) {
  const Sockets pair;
  const int set = epoll_create1(EPOLL_CLOEXEC);
  epoll_event event{};
  event.events = EPOLLIN;
  ASSERT_EQ(epoll_ctl(set, EPOLL_CTL_ADD, pair.a, &event), 0);
  pollfd entry{pair.a, POLLIN, 0};
  const std::vector<std::function<long()>> ways = {
      [&] { return poll(&entry, 1, -1); },
      [&] { return ppoll(&entry, 1, nullptr, nullptr); },
      [&] {
        fd_set reads;
        FD_ZERO(&reads);
        FD_SET(pair.a, &reads);
        return select(pair.a + 1, &reads, nullptr, nullptr, nullptr);
      },
      [&] { return epoll_wait(set, &event, 1, -1); },
      [&] { return usleep(60'000'000); },
  };
  for (const auto& way : ways) {
    Returned got;
    auto waiting = spawn([&] {
      got.value = way();
      got.error = errno;
      yield();
    });
    settle();
    waiting.kill();
    EXPECT_TRUE(waiting.killed());
    EXPECT_EQ(got, (Returned{-1, ECANCELED}));
  }
  close(set);
}

TEST_F(PatchPollTest, a_signal_mask_of_its_own_is_the_kernels_affair) {
  const Sockets pair;
  pollfd entry{pair.a, POLLIN, 0};
  sigset_t other;
  sigemptyset(&other);
  sigaddset(&other, SIGUSR2);
  bool ran = false;
  auto greenlet = spawn([&] { ran = true; });
  const timespec limit{0, 5'000'000};
  EXPECT_EQ(ppoll(&entry, 1, &limit, &other), 0);
  EXPECT_FALSE(ran);
  sigset_t own;
  pthread_sigmask(SIG_SETMASK, nullptr, &own);
  EXPECT_EQ(ppoll(&entry, 1, &limit, &own), 0);
  EXPECT_TRUE(ran);
  greenlet.join();
}

// -- select ---------------------------------------------------------------------------------------

TEST_F(PatchPollTest, select_waits_and_tells_who_is_ready_and_how_long_it_took) {
  const Sockets one;
  const Sockets two;
  fd_set reads;
  FD_ZERO(&reads);
  FD_SET(one.a, &reads);
  FD_SET(two.a, &reads);
  timeval limit{100, 0};
  auto waiting = waiting_call(
      [&] { return select(std::max(one.a, two.a) + 1, &reads, nullptr, nullptr, &limit); });
  put(two.b);
  EXPECT_EQ(waiting.get(), (Returned{1, 0}));
  EXPECT_FALSE(FD_ISSET(one.a, &reads));
  EXPECT_TRUE(FD_ISSET(two.a, &reads));
  EXPECT_LT(limit.tv_sec, 100);
  fd_set writes;
  FD_ZERO(&writes);
  FD_SET(one.a, &writes);
  EXPECT_EQ(select(one.a + 1, nullptr, &writes, nullptr, nullptr), 1);
  FD_SET(one.a, &reads);
  FD_CLR(two.a, &reads);
  timeval short_limit{0, 5'000};
  EXPECT_EQ(select(one.a + 1, &reads, nullptr, nullptr, &short_limit), 0);
  EXPECT_FALSE(FD_ISSET(one.a, &reads));
  const timespec wait{0, 1'000'000};
  EXPECT_EQ(pselect(0, nullptr, nullptr, nullptr, &wait, nullptr), 0);
}

TEST_F(PatchPollTest, select_knows_descriptors_beyond_fd_setsize) {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_max < 3000)
    GTEST_SKIP() << "no more than " << limit.rlim_max << " descriptors are allowed";
  const rlimit before = limit;
  limit.rlim_cur = std::max<rlim_t>(limit.rlim_cur, 3000);
  setrlimit(RLIMIT_NOFILE, &limit);
  const Sockets pair;
  const int high = fcntl(pair.a, F_DUPFD_CLOEXEC, 2500);
  ASSERT_GE(high, 2500);
  std::vector<fd_mask> words(3000 / NFDBITS + 1);
  words[static_cast<std::size_t>(high / NFDBITS)] = fd_mask{1} << (high % NFDBITS);
  auto* reads = reinterpret_cast<fd_set*>(words.data());
  auto waiting = waiting_call([&] { return select(high + 1, reads, nullptr, nullptr, nullptr); });
  put(pair.b);
  EXPECT_EQ(waiting.get().value, 1);
  close(high);
  setrlimit(RLIMIT_NOFILE, &before);
}

TEST_F(PatchPollTest, select_of_what_is_not_open_is_an_error) {
  fd_set reads;
  FD_ZERO(&reads);
  FD_SET(987, &reads);
  EXPECT_EQ(select(988, &reads, nullptr, nullptr, nullptr), -1);
  EXPECT_EQ(errno, EBADF);
}

// -- epoll ----------------------------------------------------------------------------------------

// pitfall 76
TEST_F(PatchPollTest, an_epoll_set_is_waited_for) {
  const Sockets pair;
  const int set = epoll_create1(EPOLL_CLOEXEC);
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = pair.a;
  ASSERT_EQ(epoll_ctl(set, EPOLL_CTL_ADD, pair.a, &event), 0);
  epoll_event got{};
  EXPECT_EQ(epoll_wait(set, &got, 1, 5), 0);
  EXPECT_EQ(epoll_pwait(set, &got, 1, 5, nullptr), 0);
  auto waiting = waiting_call([&] { return epoll_wait(set, &got, 1, -1); });
  put(pair.b);
  EXPECT_EQ(waiting.get(), (Returned{1, 0}));
  EXPECT_EQ(got.data.fd, pair.a);
  close(set);
}

} // namespace
} // namespace grove::test
