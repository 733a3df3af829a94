// SPDX-License-Identifier: MIT
// Descriptors: waiting until one can be read or written, closing, numbers that are used again.
#include <cerrno>
#include <cstdlib>
#include <functional>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <grove/hub/descriptor.hpp>
#include <grove/hub/event.hpp>
#include <grove/hub/greenlet.hpp>
#include <grove/hub/hub.hpp>
#include <grove/hub/join.hpp>
#include <grove/hub/timeout.hpp>

#include "../support/hub_test.hpp"

namespace grove::test {
namespace {

// Two connected stream sockets that never block.
struct Pair {
  int a = -1;
  int b = -1;
  Pair() {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) != 0)
      std::abort();
    a = ends[0];
    b = ends[1];
  }
  Pair(const Pair&) = delete;
  Pair& operator=(const Pair&) = delete;
  ~Pair() {
    if (a != -1)
      close_descriptor(a);
    if (b != -1)
      close_descriptor(b);
  }
  static void put(int fd) { EXPECT_EQ(write(fd, "x", 1), 1); }
  static void take(int fd) {
    char c = 0;
    EXPECT_EQ(read(fd, &c, 1), 1);
  }
  static void fill(int fd) {
    const std::vector<char> block(65536);
    while (write(fd, block.data(), block.size()) > 0) {
    }
    EXPECT_EQ(errno, EAGAIN);
  }
  static void drain(int fd) {
    std::vector<char> block(65536);
    while (read(fd, block.data(), block.size()) > 0) {
    }
    EXPECT_EQ(errno, EAGAIN);
  }
};

int code_of(const std::function<void()>& f) {
  try {
    f();
  } catch (const std::system_error& e) {
    return e.code().value();
  }
  return 0;
}

class DescriptorTest : public HubTest {};

TEST_F(DescriptorTest, one_that_is_readable_is_not_waited_for_long) {
  Pair pair;
  Pair::put(pair.b);
  EXPECT_TRUE(wait_readable(pair.a));
  EXPECT_TRUE(wait_readable(pair.a, 10s));
  EXPECT_TRUE(wait_writable(pair.a));
}

TEST_F(DescriptorTest, a_reader_is_woken_by_what_another_greenlet_writes) {
  Pair pair;
  auto reader = spawn([&] { return wait_readable(pair.a); });
  settle();
  EXPECT_FALSE(reader.ready());
  Pair::put(pair.b);
  EXPECT_TRUE(reader.get());
}

TEST_F(DescriptorTest, a_writer_is_woken_when_there_is_room) {
  Pair pair;
  Pair::fill(pair.a);
  auto writer = spawn([&] { return wait_writable(pair.a); });
  settle();
  EXPECT_FALSE(writer.ready());
  Pair::drain(pair.b);
  EXPECT_TRUE(writer.get());
}

TEST_F(DescriptorTest, a_deadline_ends_the_wait_and_not_before) {
  Pair pair;
  const auto start = Clock::now();
  EXPECT_FALSE(wait_readable(pair.a, 3ms));
  EXPECT_GE(Clock::now() - start, 3ms);
  EXPECT_FALSE(wait_readable(pair.a, 0ms));
  Pair::put(pair.b);
  EXPECT_TRUE(wait_readable(pair.a, 10s));
}

// gevent C4
TEST_F(DescriptorTest, one_may_read_while_another_writes) {
  Pair pair;
  Pair::fill(pair.a);
  auto reader = spawn([&] { return wait_readable(pair.a); });
  auto writer = spawn([&] { return wait_writable(pair.a); });
  settle();
  EXPECT_FALSE(reader.ready());
  EXPECT_FALSE(writer.ready());
  Pair::put(pair.b);
  EXPECT_TRUE(reader.get());
  EXPECT_FALSE(writer.ready());
  Pair::drain(pair.b);
  EXPECT_TRUE(writer.get());
}

// gevent C20
TEST_F(DescriptorTest, a_second_reader_is_an_error_and_the_first_is_undisturbed) {
  Pair pair;
  auto first = spawn([&] { return wait_readable(pair.a); });
  settle();
  EXPECT_EQ(text_of<std::logic_error>([&] { wait_readable(pair.a); }),
            "grove: wait_readable descriptor " + std::to_string(pair.a) +
                ": another greenlet waits for the same");
  EXPECT_THROW(wait_readable(pair.a, 1ms), std::logic_error);
  EXPECT_FALSE(first.ready());
  Pair::put(pair.b);
  EXPECT_TRUE(first.get());
  EXPECT_TRUE(wait_readable(pair.a)) << "it is free again";
}

TEST_F(DescriptorTest, a_hang_up_wakes_reader_and_writer) {
  Pair pair;
  Pair::fill(pair.a);
  auto reader = spawn([&] { return wait_readable(pair.a); });
  auto writer = spawn([&] { return wait_writable(pair.a); });
  settle();
  close_descriptor(pair.b);
  pair.b = -1;
  EXPECT_TRUE(reader.get());
  EXPECT_TRUE(writer.get());
}

// pitfall 41
TEST_F(DescriptorTest, it_is_waited_for_again_and_again) {
  Pair pair;
  auto echo = spawn([&] {
    for (int i = 0; i < 500; ++i) {
      wait_readable(pair.b);
      Pair::take(pair.b);
      Pair::put(pair.b);
    }
  });
  for (int i = 0; i < 500; ++i) {
    Pair::put(pair.a);
    ASSERT_TRUE(wait_readable(pair.a));
    Pair::take(pair.a);
  }
  echo.get();
}

TEST_F(DescriptorTest, what_comes_while_nobody_waits_does_not_wake_the_next_wait_for_more) {
  Pair pair;
  Pair::put(pair.b);
  EXPECT_TRUE(wait_readable(pair.a));
  sleep(1ms);
  Pair::take(pair.a);
  EXPECT_FALSE(wait_readable(pair.a, 2ms)) << "it was read meanwhile";
}

TEST_F(DescriptorTest, a_kill_leaves_the_descriptor_as_it_was) {
  Pair pair;
  auto reader = spawn([&] { wait_readable(pair.a); });
  settle();
  EXPECT_TRUE(reader.kill());
  EXPECT_FALSE(wait_readable(pair.a, 1ms));
  Pair::put(pair.b);
  EXPECT_TRUE(wait_readable(pair.a));
}

// pitfall 38
// gevent C19
// reliability 10
TEST_F(DescriptorTest, closing_it_wakes_who_waits_with_ecanceled) {
  Pair pair;
  Pair::fill(pair.a);
  auto reader = spawn([&] { return code_of([&] { wait_readable(pair.a); }); });
  auto writer = spawn([&] { return code_of([&] { wait_writable(pair.a, 10s); }); });
  settle();
  close_descriptor(pair.a);
  pair.a = -1;
  EXPECT_EQ(reader.get(), ECANCELED);
  EXPECT_EQ(writer.get(), ECANCELED);
}

// pitfall 38
TEST_F(DescriptorTest, shutdown_and_close_in_a_row_wake_the_reader) {
  Pair pair;
  auto reader = spawn([&] { return code_of([&] { wait_readable(pair.a); }); });
  settle();
  shutdown(pair.a, SHUT_RDWR);
  close_descriptor(pair.a);
  pair.a = -1;
  EXPECT_EQ(reader.get(), ECANCELED);
}

// pitfall 39, 42
TEST_F(DescriptorTest, a_number_that_is_used_again_is_a_new_descriptor) {
  int number = -1;
  for (int i = 0; i < 10; ++i) {
    Pair pair;
    EXPECT_TRUE(number == -1 || pair.a == number) << "the kernel gives the lowest free number";
    number = pair.a;
    EXPECT_FALSE(wait_readable(pair.a, 1ms));
    auto reader = spawn([&] { return wait_readable(pair.a, 10s); });
    settle();
    Pair::put(pair.b);
    EXPECT_TRUE(reader.get());
  }
}

// pitfall 39
TEST_F(DescriptorTest, an_event_of_the_old_descriptor_does_not_wake_who_waits_for_the_new_one) {
  Pair first;
  const int number = first.a;
  auto old_reader = spawn([&] { return code_of([&] { wait_readable(first.a); }); });
  settle();
  Pair::put(first.b); // its event is under way
  close_descriptor(first.a);
  first.a = -1;
  Pair second;
  EXPECT_EQ(second.a, number);
  EXPECT_FALSE(wait_readable(second.a, 3ms));
  EXPECT_EQ(old_reader.get(), ECANCELED);
}

// pitfall 40
TEST_F(DescriptorTest, a_duplicate_that_stays_open_wakes_nobody) {
  Pair pair;
  const int duplicate = fcntl(pair.a, F_DUPFD_CLOEXEC, 0);
  ASSERT_GE(duplicate, 0);
  EXPECT_FALSE(wait_readable(pair.a, 1ms));
  close_descriptor(pair.a);
  pair.a = -1;
  Pair::put(pair.b); // the description is still open, and readable
  const auto before = Hub::current().stats().polls;
  EXPECT_NO_THROW(sleep(5ms));
  EXPECT_LT(Hub::current().stats().polls - before, 1000u) << "the hub spins";
  EXPECT_TRUE(wait_readable(duplicate));
  close_descriptor(duplicate);
}

// pitfall 65
TEST_F(DescriptorTest, one_that_is_ready_while_nobody_waits_does_not_make_the_hub_spin) {
  Pair pair;
  EXPECT_TRUE(wait_writable(pair.a));
  EXPECT_FALSE(wait_readable(pair.a, 1ms));
  Pair::put(pair.b);
  const auto before = Hub::current().stats().polls;
  sleep(5ms);
  EXPECT_LT(Hub::current().stats().polls - before, 1000u);
}

// pitfall 47
TEST_F(DescriptorTest, a_regular_file_is_refused) {
  char name[] = "/tmp/grove-descriptor-XXXXXX";
  const int fd = mkstemp(name);
  ASSERT_GE(fd, 0);
  unlink(name);
  EXPECT_EQ(code_of([&] { wait_readable(fd); }), EPERM);
  EXPECT_EQ(code_of([&] { wait_writable(fd, 1ms); }), EPERM);
  close_descriptor(fd);
}

// gevent D2
TEST_F(DescriptorTest, one_that_is_not_open_is_refused) {
  EXPECT_EQ(code_of([] { wait_readable(-1); }), EBADF);
  int number = -1;
  {
    Pair pair;
    number = pair.a;
    EXPECT_FALSE(wait_readable(number, 1ms));
  }
  EXPECT_EQ(code_of([&] { wait_readable(number); }), EBADF);
  EXPECT_EQ(code_of([&] { wait_writable(1000000); }), EBADF);
  Pair pair;
  EXPECT_FALSE(wait_readable(pair.a, 1ms)) << "the hub goes on";
}

TEST_F(DescriptorTest, a_scope_that_runs_out_leaves_the_descriptor_as_it_was) {
  Pair pair;
  {
    Timeout limit(1ms);
    EXPECT_THROW(wait_readable(pair.a), TimeoutExpired);
  }
  Pair::put(pair.b);
  EXPECT_TRUE(wait_readable(pair.a));
}

// gevent D6
TEST_F(DescriptorTest, many_that_become_ready_together_are_all_seen) {
  std::vector<Pair> pairs(100);
  std::vector<GreenletRef<bool>> all;
  for (const auto& pair : pairs)
    all.push_back(spawn([&] { return wait_readable(pair.a); }));
  settle();
  for (const auto& pair : pairs)
    Pair::put(pair.b);
  for (const auto& g : all)
    EXPECT_TRUE(g.get());
}

TEST_F(DescriptorTest, a_thread_without_a_hub_may_write) {
  Pair pair;
  std::thread writer([&] { Pair::put(pair.b); });
  EXPECT_TRUE(wait_readable(pair.a));
  writer.join();
}

} // namespace
} // namespace grove::test
