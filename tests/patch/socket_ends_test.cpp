// SPDX-License-Identifier: MIT
// How a green wait for a socket ends before something comes, and where there is none.
#include "sockets.hpp"

#include <poll.h>
#include <sys/time.h>
#include <sys/wait.h>

#include <array>
#include <atomic>
#include <csignal>
#include <cstddef>
#include <string>
#include <thread>
#include <vector>

#include <grove/hub/event.hpp>
#include <grove/hub/exceptions.hpp>
#include <grove/hub/thread_pool.hpp>
#include <grove/hub/timeout.hpp>

namespace grove::test {
namespace {

class PatchEndsTest : public HubTest {};

// reliability 10, pitfall 38
TEST_F(PatchEndsTest, closing_wakes_whoever_waits_with_ebadf) {
  Sockets pair;
  auto reader = waiting_call([&] { return take(pair.b); });
  auto writer = spawn([&] {
    const std::string data(5'000'000, 'x');
    const long n = write(pair.b, data.data(), data.size());
    return n > 0 && n < static_cast<long>(data.size());
  });
  settle();
  EXPECT_FALSE(writer.ready());
  close(std::exchange(pair.b, -1));
  EXPECT_EQ(reader.get(), (Returned{-1, EBADF}));
  EXPECT_TRUE(writer.get());
}

// reliability 10
TEST_F(PatchEndsTest, a_number_that_dup2_gives_away_is_closed) {
  const Sockets pair;
  const Sockets other;
  auto reader = waiting_call([&] { return take(pair.a); });
  ASSERT_EQ(dup2(other.a, pair.a), pair.a);
  EXPECT_EQ(reader.get(), (Returned{-1, EBADF}));
  auto again = waiting_call([&] { return take(pair.a); });
  EXPECT_EQ(send(other.b, "x", 1, 0), 1);
  EXPECT_EQ(again.get().value, 1) << "it stands for the other one now";
}

// reliability 10
TEST_F(PatchEndsTest, a_kill_makes_the_call_fail_and_is_thrown_at_the_next_suspension_point) {
  const Sockets pair;
  Returned got;
  bool went_on = false;
  auto reader = spawn([&] {
    got.value = take(pair.a);
    got.error = errno;
    went_on = true;
    yield();
    FAIL() << "nothing was thrown";
  });
  settle();
  reader.kill();
  EXPECT_TRUE(reader.killed());
  EXPECT_TRUE(went_on) << "C code sees an error, and no exception";
  EXPECT_EQ(got, (Returned{-1, ECANCELED}));
  EXPECT_EQ(send(pair.b, "x", 1, 0), 1);
  EXPECT_EQ(take(pair.a), 1) << "nothing was lost";
}

TEST_F(PatchEndsTest, deliver_throws_what_was_held_back) {
  const Sockets pair;
  auto reader = spawn([&] {
    take(pair.a);
    patch::deliver();
    FAIL() << "nothing was thrown";
  });
  settle();
  reader.kill();
  EXPECT_TRUE(reader.killed());
}

TEST_F(PatchEndsTest, a_timeout_scope_ends_the_call_too) {
  const Sockets pair;
  Returned got;
  EXPECT_FALSE(with_timeout(5ms, [&] {
    got.value = take(pair.a);
    got.error = errno;
    patch::deliver();
  }));
  EXPECT_EQ(got, (Returned{-1, ECANCELED}));
  { // nobody asks: it ends with its scope
    const Timeout limit(5ms);
    EXPECT_EQ(take(pair.a), -1);
    EXPECT_EQ(errno, ECANCELED);
  }
  yield();
}

TEST_F(PatchEndsTest, a_shield_holds_off_a_kill) {
  const Sockets pair;
  Returned got;
  auto reader = spawn([&] {
    const Shield shield;
    got.value = take(pair.a);
  });
  settle();
  reader.kill_nowait();
  settle();
  EXPECT_EQ(send(pair.b, "x", 1, 0), 1);
  reader.join();
  EXPECT_EQ(got.value, 1);
}

// reliability 12
TEST_F(PatchEndsTest, signals_at_a_kilohertz_interrupt_nothing) {
  struct sigaction action {};
  struct sigaction before {};
  action.sa_handler = [](int) {}; // and no SA_RESTART
  ASSERT_EQ(sigaction(SIGALRM, &action, &before), 0);
  const itimerval storm{{0, 1'000}, {0, 1'000}};
  setitimer(ITIMER_REAL, &storm, nullptr);
  const Sockets pair;
  const auto start = Clock::now();
  auto reader = start_call([&] { return take(pair.a); });
  pollfd entry{pair.a, POLLIN, 0};
  EXPECT_EQ(poll(&entry, 1, 50), 0);
  EXPECT_EQ(usleep(50'000), 0);
  EXPECT_GE(Clock::now() - start, 100ms);
  EXPECT_EQ(send(pair.b, "x", 1, 0), 1);
  EXPECT_EQ(reader.get(), (Returned{1, 0}));
  const itimerval none{};
  setitimer(ITIMER_REAL, &none, nullptr);
  sigaction(SIGALRM, &before, nullptr);
}

// pitfall 10
TEST_F(PatchEndsTest, errno_stays_as_it_was_when_a_call_has_waited_and_succeeds) {
  const Sockets pair;
  int error = 0;
  auto reader = spawn([&] {
    errno = ENOTTY;
    EXPECT_EQ(take(pair.a), 1);
    error = errno;
  });
  settle();
  errno = EDOM;
  EXPECT_EQ(send(pair.b, "x", 1, 0), 1);
  EXPECT_EQ(errno, EDOM);
  reader.join();
  EXPECT_EQ(error, ENOTTY);
}

// pitfall 49
TEST_F(PatchEndsTest, who_need_not_wait_lets_others_run_now_and_then) {
  const Sockets pair;
  bool ran = false;
  auto other = spawn([&] { ran = true; });
  for (int i = 0; i < 200 && !ran; ++i) {
    ASSERT_EQ(send(pair.b, "x", 1, 0), 1);
    ASSERT_EQ(take(pair.a), 1);
  }
  EXPECT_TRUE(ran);
}

// A connect() to a Unix socket whose listener has no room is a thread's, and may last for ever.
TEST_F(PatchEndsTest, a_call_that_was_given_up_saves_nobody_from_a_deadlock) {
  const std::string name = "grove-patch-" + std::to_string(getpid());
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  name.copy(address.sun_path + 1, name.size());
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  const auto* where = reinterpret_cast<const sockaddr*>(&address);
  const int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ASSERT_EQ(bind(listener, where, size), 0);
  ASSERT_EQ(listen(listener, 0), 0);
  std::array<int, 2> clients{};
  for (int& client : clients)
    client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ASSERT_EQ(connect(clients[0], where, size), 0);
  auto second = waiting_call([&] { return connect(clients[1], where, size); });
  std::atomic<bool> over = false;
  bool too_late = false;
  std::thread at_last([&] { // else a failure would be a test without an end
    for (int i = 0; i < 50 && !over; ++i)
      std::this_thread::sleep_for(100ms);
    too_late = !over;
    close(listener); // which ends the connect()
  });
  second.kill();
  EXPECT_THROW(Event().wait(), Deadlock);
  over = true;
  at_last.join();
  EXPECT_FALSE(too_late);
  EXPECT_TRUE(default_thread_pool().join(60s));
  for (const int fd : clients)
    close(fd);
}

// -- where it is inert ----------------------------------------------------------------------------

// pitfall 81
TEST_F(PatchEndsTest, a_thread_without_a_hub_blocks_as_ever) {
  const Sockets pair;
  const auto before = patch::count("recv").waited;
  long got = 0;
  std::thread thread([&] { got = take(pair.a); });
  EXPECT_EQ(send(pair.b, "x", 1, 0), 1);
  thread.join();
  EXPECT_EQ(got, 1);
  EXPECT_EQ(patch::count("recv").waited, before);
}

// pitfall 81
TEST_F(PatchEndsTest, what_is_switched_off_blocks_as_ever) {
  const Sockets pair;
  patch::all({.sockets = false});
  const AtExit again([] { patch::all(); });
  bool ran = false;
  std::thread sender([&] { EXPECT_EQ(send(pair.b, "x", 1, 0), 1); });
  auto other = spawn([&] { ran = true; });
  EXPECT_EQ(take(pair.a), 1);
  EXPECT_FALSE(ran);
  sender.join();
  other.join();
}

int handler_reads = -1;
long handler_got = 0;

// pitfall 81
TEST_F(PatchEndsTest, a_signal_handler_on_the_alternate_stack_blocks_as_ever) {
  const Sockets pair;
  std::vector<char> stack(65536);
  stack_t alternate{};
  alternate.ss_sp = stack.data();
  alternate.ss_size = stack.size();
  stack_t former{};
  ASSERT_EQ(sigaltstack(&alternate, &former), 0);
  struct sigaction action {};
  struct sigaction before {};
  action.sa_flags = SA_ONSTACK;
  action.sa_handler = [](int) { handler_got = take(handler_reads); };
  ASSERT_EQ(sigaction(SIGUSR1, &action, &before), 0);
  handler_reads = pair.a;
  std::thread sender([&] {
    std::this_thread::sleep_for(5ms); // so that the handler has to wait; it is right in any case
    EXPECT_EQ(send(pair.b, "x", 1, 0), 1);
  });
  bool ran = false;
  auto other = spawn([&] { ran = true; });
  raise(SIGUSR1);
  EXPECT_FALSE(ran) << "a handler has switched";
  EXPECT_EQ(handler_got, 1);
  sender.join();
  other.join();
  sigaction(SIGUSR1, &before, nullptr);
  sigaltstack(&former, nullptr);
}

// pitfall 81
TEST_F(PatchEndsTest, after_vfork_the_child_blocks_and_closes_nothing_of_its_parents) {
  const Sockets pair;
  auto reader = waiting_call([&] { return take(pair.a); });
  std::thread sender([&] { EXPECT_EQ(send(pair.b, "x", 1, 0), 1); });
  volatile long got = 0;
  const pid_t child = vfork();
  if (child == 0) {
    got = take(pair.a);
    close(pair.a);
    _exit(0);
  }
  EXPECT_EQ(got, 1);
  sender.join();
  settle();
  EXPECT_FALSE(reader.ready()) << "the child has closed a descriptor of its own";
  EXPECT_EQ(send(pair.b, "x", 1, 0), 1);
  EXPECT_EQ(reader.get(), (Returned{1, 0}));
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
}

} // namespace
} // namespace grove::test
