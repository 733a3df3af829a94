// SPDX-License-Identifier: MIT
// ConnectionPool: who gets which connection, and when one is closed.
#include <grove/net/connection_pool.hpp>

#include <memory>
#include <string>
#include <vector>

#include <grove/hub/event.hpp>
#include <grove/hub/simulation.hpp>
#include <grove/hub/timeout.hpp>
#include <grove/net/connect.hpp>
#include <grove/net/listener.hpp>

#include "../support/hub_test.hpp"

namespace grove::test {
namespace {

using net::ConnectionPool;

// A connection that counts how many there are.
class Line {
public:
  Line(int& open, int number) : open_(&open), number_(number) { ++open; }
  Line(const Line&) = delete;
  Line& operator=(const Line&) = delete;
  ~Line() { --*open_; }
  int number() const { return number_; }

private:
  int* open_;
  int number_;
};
using Pool = ConnectionPool<Line>;

class ConnectionPoolTest : public HubTest {
protected:
  void TearDown() override {
    EXPECT_EQ(open_, 0) << "connections were left open";
    HubTest::TearDown();
  }
  Pool::Make maker() {
    return [this] { return Line(open_, ++made_); };
  }
  static Pool::Options at_most(std::size_t size) {
    Pool::Options options;
    options.max_size = size;
    return options;
  }

  int open_ = 0;
  int made_ = 0;
};

TEST_F(ConnectionPoolTest, what_is_given_back_is_lent_again) {
  Pool pool(maker(), at_most(2));
  {
    auto one = pool.borrow();
    auto two = pool.borrow();
    EXPECT_EQ(one->number() + two->number(), 3);
    EXPECT_EQ(pool.stats().lent, 2U);
  }
  EXPECT_EQ(pool.stats().idle, 2U);
  auto again = pool.borrow();
  EXPECT_EQ((*again).number(), 1) << "the last given back comes first";
  EXPECT_EQ(made_, 2);
  EXPECT_EQ(pool.stats().reused, 1U);
}

TEST_F(ConnectionPoolTest, who_waits_is_served_in_order) {
  Pool pool(maker(), at_most(1));
  Log log;
  auto first = pool.borrow();
  std::vector<GreenletRef<>> all;
  for (const char* name : {"a", "b", "c"}) {
    all.push_back(spawn([&, name] {
      const auto mine = pool.borrow();
      log.emplace_back(name);
      yield();
    }));
  }
  settle();
  EXPECT_EQ(pool.stats().waiting, 3U);
  first.release();
  auto late = spawn([&] {
    const auto mine = pool.borrow();
    log.emplace_back("late");
  });
  for (auto& one : all)
    one.get();
  late.get();
  EXPECT_EQ(log, (Log{"a", "b", "c", "late"}));
  EXPECT_EQ(made_, 1);
}

// reliability 10
TEST_F(ConnectionPoolTest, a_wait_that_ends_early_takes_nothing) {
  Pool pool(maker(), at_most(1));
  {
    const auto held = pool.borrow();
    EXPECT_EQ(text_of<TimeoutError>([&] { pool.borrow(1ms); }),
              "ConnectionPool.borrow: no connection was free in time");
    auto killed = spawn([&] { pool.borrow(); });
    auto timed = spawn([&] {
      const Timeout limit(1ms);
      EXPECT_THROW(pool.borrow(), TimeoutExpired);
    });
    settle();
    killed.kill();
    timed.get();
    EXPECT_EQ(pool.stats().waiting, 0U);
  }
  EXPECT_EQ(pool.borrow()->number(), 1);
}

// reliability 10
TEST_F(ConnectionPoolTest, a_kill_while_one_is_made_or_tested_frees_the_place) {
  Event never;
  int unfit_asked = 0;
  bool slow = true;
  Pool::Options options = at_most(1);
  options.is_fit = [&](Line&) {
    ++unfit_asked;
    if (slow)
      never.wait();
    return true;
  };
  Pool pool(
      [&] {
        if (slow && made_ == 0) {
          ++made_;
          never.wait();
        }
        return Line(open_, ++made_);
      },
      options);
  auto making = spawn([&] { pool.borrow(); });
  auto next = spawn([&] { pool.borrow(); });
  settle();
  making.kill();
  next.get(); // it had the place of the killed one
  EXPECT_EQ(pool.stats().idle, 1U);
  auto testing = spawn([&] { pool.borrow(); });
  settle();
  EXPECT_EQ(unfit_asked, 1);
  testing.kill();
  EXPECT_EQ(pool.stats().idle, 0U) << "it is not known what became of it";
  EXPECT_EQ(pool.stats().lent, 0U);
  slow = false;
  EXPECT_EQ(pool.borrow()->number(), 3);
}

TEST_F(ConnectionPoolTest, who_cannot_make_one_leaves_the_place_to_the_next) {
  bool works = false;
  Pool pool(
      [&] {
        if (!works)
          throw TestError();
        return Line(open_, ++made_);
      },
      at_most(1));
  EXPECT_THROW(pool.borrow(), TestError);
  EXPECT_THROW(pool.borrow(), TestError);
  works = true;
  EXPECT_EQ(pool.borrow(1ms)->number(), 1);
}

TEST_F(ConnectionPoolTest, broken_ones_are_not_lent_again) {
  Pool pool(maker(), at_most(1));
  {
    auto lease = pool.borrow();
    lease.discard();
    EXPECT_EQ(open_, 0);
  }
  try {
    const auto lease = pool.borrow();
    throw TestError();
  } catch (const TestError&) {
  }
  auto killed = spawn([&] {
    const auto lease = pool.borrow();
    sleep(3600s);
  });
  settle();
  killed.kill();
  EXPECT_EQ(pool.stats().discarded, 3U);
  EXPECT_EQ(open_, 0);
  EXPECT_EQ(pool.borrow()->number(), 4);
}

TEST_F(ConnectionPoolTest, a_lease_within_a_handler_of_another_error_is_given_back) {
  Pool pool(maker(), at_most(1));
  struct Cleaner {
    Pool& pool;
    ~Cleaner() { auto lease = pool.borrow(); } // while an exception is on its way
  };
  try {
    const Cleaner cleaner{pool};
    throw TestError();
  } catch (const TestError&) {
  }
  EXPECT_EQ(pool.stats().idle, 1U);
}

TEST_F(ConnectionPoolTest, a_lease_can_be_moved_and_given_back_early) {
  Pool pool(maker(), at_most(1));
  auto lease = pool.borrow();
  auto moved = std::move(lease);
  EXPECT_EQ(pool.stats().lent, 1U);
  moved.release();
  EXPECT_EQ(pool.stats().idle, 1U);
  EXPECT_EQ(pool.stats().lent, 0U);
}

TEST_F(ConnectionPoolTest, the_unfit_are_closed_when_they_would_be_lent) {
  bool fit = true;
  Pool::Options options = at_most(3);
  options.is_fit = [&](Line& line) {
    if (line.number() == 2)
      throw TestError();
    return fit;
  };
  Pool pool(maker(), options);
  {
    auto a = pool.borrow();
    auto b = pool.borrow();
    auto c = pool.borrow();
  }
  fit = false;
  EXPECT_EQ(pool.borrow()->number(), 4);
  EXPECT_EQ(pool.stats().unfit, 3U);
  EXPECT_EQ(open_, 1);
}

TEST_F(ConnectionPoolTest, the_idle_are_closed_in_time) {
  const Simulation simulation(1);
  Pool::Options options = at_most(2);
  options.max_idle = 10s;
  Pool pool(maker(), options);
  {
    auto a = pool.borrow();
    auto b = pool.borrow();
  }
  sleep(6s);
  pool.borrow().release(); // one of them was used meanwhile
  EXPECT_EQ(open_, 2);
  sleep(6s);
  EXPECT_EQ(open_, 1);
  EXPECT_EQ(pool.stats().expired, 1U);
  sleep(6s);
  EXPECT_EQ(open_, 0);
}

TEST_F(ConnectionPoolTest, closing_wakes_who_waits_and_ends_what_comes_back) {
  const ErrorLog log; // not to stderr
  Pool pool(maker(), at_most(2));
  auto lease = pool.borrow();
  pool.borrow().release();
  auto second = pool.borrow();
  auto waiter = spawn([&] { pool.borrow(); });
  settle();
  pool.close();
  EXPECT_EQ(text_of<Closed>([&] { waiter.get(); }), "ConnectionPool.borrow: the pool is closed");
  EXPECT_THROW(pool.borrow(), Closed);
  lease.release();
  second.release();
  EXPECT_EQ(open_, 0);
  pool.close();
}

TEST_F(ConnectionPoolTest, one_whose_turn_came_as_the_pool_closed_is_told_so) {
  const ErrorLog log; // not to stderr
  Pool pool(maker(), at_most(1));
  auto lease = pool.borrow();
  auto waiter = spawn([&] { pool.borrow(); });
  settle();
  lease.release(); // the place is the waiter's, who has not run yet
  pool.close();
  EXPECT_THROW(waiter.get(), Closed);
}

TEST_F(ConnectionPoolTest, a_lease_may_outlive_the_pool) {
  auto pool = std::make_unique<Pool>(maker(), at_most(1));
  const auto lease = std::make_unique<Pool::Lease>(pool->borrow());
  pool.reset();
  EXPECT_EQ((*lease)->number(), 1);
}

TEST_F(ConnectionPoolTest, a_pool_of_nothing_is_refused) {
  EXPECT_THROW(Pool(maker(), at_most(0)), std::invalid_argument);
}

TEST_F(ConnectionPoolTest, sockets_that_the_server_has_closed_are_not_lent) {
  net::Listener listener(net::Address::loopback());
  int accepted = 0;
  auto server = spawn([&] {
    for (;; ++accepted) {
      net::StreamSocket client = listener.accept();
      client.send_all(client.recv(100));
    }
  });
  using Sockets = ConnectionPool<net::StreamSocket>;
  Sockets::Options options;
  options.is_fit = [](net::StreamSocket& socket) {
    char byte;
    return !socket.try_recv_into({&byte, 1}).has_value();
  };
  Sockets pool([&] { return net::connect(listener.local_address(), 5s); }, options);
  for (int i = 0; i < 3; ++i) {
    auto socket = pool.borrow(5s);
    socket->send_all("ping");
    EXPECT_EQ(socket->recv_exactly(4), "ping");
    EXPECT_TRUE(socket->wait_readable(5s)); // the end
  }
  EXPECT_EQ(pool.stats().made, 3U);
  EXPECT_EQ(pool.stats().unfit, 2U);
  server.kill();
}

} // namespace
} // namespace grove::test
