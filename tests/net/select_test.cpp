// SPDX-License-Identifier: MIT
// select and poll: which are ready, and what becomes of those that are closed.
#include <algorithm>
#include <cerrno>
#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

#include <gmock/gmock.h>

#include <grove/hub/descriptor.hpp>
#include <grove/hub/exceptions.hpp>
#include <grove/hub/greenlet.hpp>
#include <grove/hub/pipe.hpp>
#include <grove/hub/timeout.hpp>
#include <grove/net/datagram_socket.hpp>
#include <grove/net/poll.hpp>
#include <grove/net/select.hpp>

#include "../support/connected.hpp"
#include "../support/hub_test.hpp"
#include "../support/pipe_ends.hpp"
#include "../support/pipe_files.hpp"
#include "../support/temporary_file.hpp"

namespace grove::test {
namespace {

using net::Poll;
using net::select;
using net::Selected;
using ::testing::ElementsAre;

class SelectTest : public HubTest {
protected:
  Connected a_ = Connected::tcp();
  Connected b_ = Connected::unix_pair();
};

// gevent D1
TEST_F(SelectTest, of_nothing_it_is_a_sleep) {
  bool other_ran = false;
  auto other = spawn([&] { other_ran = true; });
  const auto begin = Clock::now();
  EXPECT_TRUE(select({}, {}, {}, 10ms).empty());
  EXPECT_GE(Clock::now() - begin, 10ms);
  EXPECT_TRUE(other_ran);
  EXPECT_EQ(net::poll({}, 1ms), 0u);
}

TEST_F(SelectTest, of_nothing_and_without_a_deadline_it_is_a_deadlock) {
  EXPECT_THROW(select({}), Deadlock);
}

TEST_F(SelectTest, what_can_never_be_ready_keeps_nobody_else_from_running) {
  const int null = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  auto waiting = spawn([&] { return select({}, {}, {null}, 10s).empty(); });
  spawn([] { sleep(1ms); }).join();
  EXPECT_FALSE(waiting.ready());
  waiting.kill();
  EXPECT_TRUE(select({}, {}, {null}, 1ms).empty());
  EXPECT_EQ(select({null}, {}, {null}).readable.size(), 1u) << "for reading it is ready always";
  ::close(null);
}

TEST_F(SelectTest, it_tells_which_can_be_read_and_which_written) {
  EXPECT_TRUE(select({a_.server, b_.server}, {}, {}, 1ms).empty());
  Selected ready = select({a_.server, b_.server}, {a_.server});
  EXPECT_TRUE(ready.readable.empty());
  EXPECT_THAT(ready.writable, ElementsAre(a_.server.descriptor()));
  auto waiting = spawn([&] { return select({a_.server, b_.server}); });
  settle();
  EXPECT_FALSE(waiting.ready());
  b_.client.send_all("x");
  EXPECT_THAT(waiting.get().readable, ElementsAre(b_.server.descriptor()));
  EXPECT_EQ(b_.server.recv(10), "x") << "nothing was taken";
  b_.client.close();
  EXPECT_THAT(select({b_.server}).readable, ElementsAre(b_.server.descriptor())) << "the end";
}

TEST_F(SelectTest, pipes_datagrams_and_bare_numbers_do_as_well) {
  Pipe pipe;
  Ends ends;
  net::DatagramSocket datagrams(net::Address::loopback());
  auto waiting = [&] {
    return spawn([&] { return select({pipe.reader, ends.read_end, datagrams}, {}, {}, 10s); });
  };
  auto first = waiting();
  settle();
  ends.put('x');
  EXPECT_THAT(first.get().readable, ElementsAre(ends.read_end));
  ends.take();
  auto second = waiting();
  settle();
  datagrams.send_to("x", datagrams.local_address());
  EXPECT_THAT(second.get().readable, ElementsAre(datagrams.descriptor()));
  pipe.writer.write_all("x");
  EXPECT_THAT(waiting().get().readable,
              ElementsAre(pipe.reader.descriptor(), datagrams.descriptor()));
}

TEST_F(SelectTest, one_that_is_named_twice_is_told_once) {
  b_.client.send_all("x");
  const Selected ready = select({b_.server, b_.server}, {b_.server, b_.server});
  EXPECT_THAT(ready.readable, ElementsAre(b_.server.descriptor()));
  EXPECT_THAT(ready.writable, ElementsAre(b_.server.descriptor()));
  b_.server.recv(1);
  auto waiting = spawn([&] { return select({b_.server, b_.server}, {}, {}, 10s); });
  settle();
  b_.client.send_all("y");
  EXPECT_THAT(waiting.get().readable, ElementsAre(b_.server.descriptor()));
}

TEST_F(SelectTest, urgent_data_is_an_exception) {
  auto waiting = spawn([&] { return select({}, {}, {a_.server}, 10s); });
  settle();
  EXPECT_EQ(::send(a_.client.descriptor(), "!", 1, MSG_OOB), 1);
  EXPECT_THAT(waiting.get().exceptional, ElementsAre(a_.server.descriptor()));
}

// gevent D2
TEST_F(SelectTest, what_is_not_open_is_an_error) {
  const int closed = dup(0);
  ::close(closed);
  for (const int fd : {closed, -1}) {
    EXPECT_EQ(error_of([&] { select({fd}, {}, {}, 10s); }).value(), EBADF);
    EXPECT_EQ(error_of([&] { select({}, {fd}, {}, 10s); }).value(), EBADF);
  }
  b_.server.close();
  EXPECT_EQ(error_of([&] { select({b_.server}); }).value(), EBADF);
}

// gevent D9
TEST_F(SelectTest, what_is_ready_at_once_lets_the_others_run_first) {
  b_.client.send_all("x");
  int turns = 0;
  auto other = spawn([&] {
    for (;; yield())
      ++turns;
  });
  for (int i = 1; i < 10; ++i) {
    EXPECT_FALSE(select({b_.server}).empty());
    EXPECT_GE(turns, i);
  }
  other.kill();
}

// gevent D9: where a native select() fails
TEST_F(SelectTest, numbers_may_be_larger_than_fd_setsize) {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  const rlimit before = limit;
  limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, 5000);
  if (limit.rlim_cur < 2 * FD_SETSIZE)
    GTEST_SKIP() << "no more than " << limit.rlim_max << " descriptors here";
  setrlimit(RLIMIT_NOFILE, &limit);
  {
    const net::StreamSocket high =
        net::StreamSocket::adopt(fcntl(b_.server.descriptor(), F_DUPFD_CLOEXEC, FD_SETSIZE + 100));
    auto waiting = spawn([&] { return select({high}, {}, {}, 10s); });
    settle();
    b_.client.send_all("x");
    EXPECT_THAT(waiting.get().readable, ElementsAre(high.descriptor()));
    EXPECT_GE(high.descriptor(), FD_SETSIZE);
  }
  setrlimit(RLIMIT_NOFILE, &before);
}

TEST_F(SelectTest, regular_files_are_always_ready) {
  TemporaryFile file("text");
  const int fd = ::open(file.path().c_str(), O_RDWR | O_CLOEXEC);
  const Selected ready = select({fd, b_.server}, {fd});
  EXPECT_THAT(ready.readable, ElementsAre(fd));
  EXPECT_THAT(ready.writable, ElementsAre(fd));
  ::close(fd);
}

TEST_F(SelectTest, others_may_wait_for_the_same_descriptor) {
  auto one = spawn([&] { return select({b_.server}, {}, {}, 10s).readable.size(); });
  auto two = spawn([&] { return select({b_.server}, {}, {}, 10s).readable.size(); });
  auto reader = spawn([&] { return b_.server.recv(10); });
  settle();
  b_.client.send_all("x");
  EXPECT_EQ(reader.get(), "x");
  b_.client.send_all("y");
  EXPECT_EQ(one.get() + two.get(), 2u);
}

TEST_F(SelectTest, a_kill_leaves_everything_as_it_was) {
  auto killed = spawn([&] { select({b_.server}); });
  settle();
  killed.kill();
  EXPECT_FALSE(with_timeout(1ms, [&] { select({b_.server}); }));
  b_.client.send_all("x");
  EXPECT_EQ(b_.server.recv(10), "x");
}

// -- closing meanwhile ---------------------------------------------------------------------------

// gevent D5; pitfall 38
TEST_F(SelectTest, a_socket_that_is_closed_meanwhile_is_an_error) {
  auto waiting = spawn([&] { return error_of([&] { select({a_.server, b_.server}); }).value(); });
  settle();
  EXPECT_FALSE(waiting.ready());
  a_.server.close();
  EXPECT_EQ(waiting.get(), EBADF);
}

// gevent D5
TEST_F(SelectTest, so_is_a_bare_descriptor) {
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
  auto selecting = spawn([&] { return error_of([&] { select({ends[0]}); }).value(); });
  auto polling = spawn([&] {
    pollfd one{ends[0], POLLIN, 0};
    EXPECT_EQ(net::poll({&one, 1}), 1u);
    return one.revents;
  });
  settle();
  close_descriptor(ends[0]);
  EXPECT_EQ(selecting.get(), EBADF);
  EXPECT_EQ(polling.get(), POLLNVAL);
  ::close(ends[1]);
}

// gevent D5
TEST_F(SelectTest, a_bare_close_is_seen_at_the_next_look) {
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
  auto selecting =
      spawn([&] { return error_of([&] { select({ends[0]}, {}, {}, 20ms); }).value(); });
  settle();
  ::close(ends[0]);
  EXPECT_EQ(selecting.get(), EBADF);
  ::close(ends[1]);
}

// gevent D5; pitfall 39
TEST_F(SelectTest, a_number_that_is_given_out_again_meanwhile_misleads_nobody) {
  auto other = std::make_unique<Connected>(Connected::unix_pair());
  const int number = other->server.descriptor();
  auto waiting = spawn([&] { return select({number}, {}, {}, 20ms).empty(); });
  settle();
  other->server.close();
  net::StreamSocket again =
      net::StreamSocket::adopt(fcntl(b_.server.descriptor(), F_DUPFD_CLOEXEC, number));
  ASSERT_EQ(again.descriptor(), number);
  auto reader = spawn([&] { return again.recv(10); });
  EXPECT_TRUE(waiting.get()) << "the new one has nothing to read";
  b_.client.send_all("x");
  EXPECT_EQ(reader.get(), "x");
}

// -- Poll ----------------------------------------------------------------------------------------

class PollTest : public HubTest {};

// gevent D6
TEST_F(PollTest, all_that_are_ready_are_told) {
  std::vector<Connected> pairs;
  Poll poll;
  for (int i = 0; i < 10; ++i) {
    pairs.push_back(Connected::unix_pair());
    poll.add(pairs.back().server, POLLIN);
  }
  EXPECT_EQ(poll.size(), 10u);
  EXPECT_TRUE(poll.wait(1ms).empty());
  for (Connected& pair : pairs)
    pair.client.send_all("question");
  const std::vector<Poll::Ready> ready = poll.wait(10s);
  ASSERT_EQ(ready.size(), 10u);
  for (const Poll::Ready& one : ready) {
    EXPECT_EQ(one.events, POLLIN);
    auto pair = std::ranges::find_if(
        pairs, [&](Connected& p) { return p.server.descriptor() == one.descriptor; });
    ASSERT_NE(pair, pairs.end());
    EXPECT_EQ(pair->server.recv(100), "question");
    pair->server.send_all("answer");
    EXPECT_EQ(pair->client.recv(100), "answer");
  }
  EXPECT_TRUE(poll.wait(1ms).empty());
}

TEST_F(PollTest, what_is_polled_for_may_change) {
  Connected ends = Connected::unix_pair();
  Poll poll;
  poll.add(ends.server);
  std::vector<Poll::Ready> ready = poll.wait();
  ASSERT_EQ(ready.size(), 1u);
  EXPECT_EQ(ready[0].events, POLLOUT);
  poll.modify(ends.server, POLLIN);
  EXPECT_TRUE(poll.wait(1ms).empty());
  ends.client.close();
  ready = poll.wait();
  ASSERT_EQ(ready.size(), 1u);
  EXPECT_EQ(ready[0].events, POLLIN | POLLHUP) << "POLLHUP comes unasked";
  poll.remove(ends.server);
  EXPECT_TRUE(poll.wait(1ms).empty());
}

// gevent D4
TEST_F(PollTest, what_was_never_added_is_told) {
  Connected ends = Connected::unix_pair();
  Poll poll;
  EXPECT_EQ(error_of([&] { poll.remove(ends.server); }).value(), ENOENT);
  EXPECT_EQ(error_of([&] { poll.modify(ends.server, POLLIN); }).value(), ENOENT);
  ends.server.close();
  EXPECT_EQ(error_of([&] { poll.add(ends.server); }).value(), EBADF);
}

// gevent D5
TEST_F(PollTest, one_that_is_closed_is_reported_as_such) {
  Connected ends = Connected::unix_pair();
  Poll poll;
  const int number = ends.server.descriptor();
  poll.add(number, POLLIN);
  auto waiting = spawn([&] { return poll.wait(); });
  settle();
  EXPECT_FALSE(waiting.ready());
  ends.server.close();
  for (const std::vector<Poll::Ready>& ready : {waiting.get(), poll.wait()}) {
    ASSERT_EQ(ready.size(), 1u);
    EXPECT_EQ(ready[0].descriptor, number);
    EXPECT_EQ(ready[0].events, POLLNVAL);
  }
}

// gevent D7
TEST_F(PollTest, closing_or_destroying_it_ends_the_wait) {
  Connected ends = Connected::unix_pair();
  auto poll = std::make_unique<Poll>();
  poll->add(ends.server, POLLIN);
  for (const bool destroy : {false, true}) {
    if (destroy) {
      poll = std::make_unique<Poll>();
      poll->add(ends.server, POLLIN);
    }
    auto waiting = spawn([&] { EXPECT_THROW(poll->wait(), Closed); });
    settle();
    if (destroy)
      poll = nullptr;
    else
      poll->close();
    waiting.get();
  }
}

} // namespace
} // namespace grove::test
