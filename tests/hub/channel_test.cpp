// SPDX-License-Identifier: MIT
// Channel: both sides meet, in order; who leaves takes nothing along.
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <grove/hub/channel.hpp>
#include <grove/hub/event.hpp>
#include <grove/hub/greenlet.hpp>
#include <grove/hub/hub.hpp>
#include <grove/hub/join.hpp>
#include <grove/hub/timeout.hpp>
#include <grove/hub/wait_any.hpp>

#include "../support/blocking_call.hpp"
#include "../support/hub_test.hpp"
#include "../support/queue_calls.hpp"

namespace grove::test {
namespace {

class ChannelTest : public HubTest {};

// The other side, which comes for each release and stays until it was served.
class ChannelCall : public BlockingCall {
public:
  ~ChannelCall() override { other_.kill(); }

protected:
  bool get_like() const override { return true; }
  Channel<int> queue_;
  GreenletRef<> other_ = spawn([] {});
};
class ChannelGet : public ChannelCall {
protected:
  bool call(Deadline deadline) override { return queue_.get(deadline) == 1; }
  void release() override {
    if (queue_.try_put(1))
      return;
    other_ = spawn([this] { queue_.put(1); });
    yield();
  }
  std::size_t waiters() const override { return queue_.waiting_getters(); }
};
class ChannelPut : public ChannelCall {
protected:
  bool call(Deadline deadline) override {
    queue_.put(1, deadline);
    return true;
  }
  void release() override {
    if (queue_.try_get())
      return;
    other_ = spawn([this] { EXPECT_EQ(queue_.get(), 1); });
    yield();
  }
  std::size_t waiters() const override { return queue_.waiting_putters(); }
};
[[maybe_unused]] const bool rows_added = add_blocking_calls({
    blocking_row<ChannelGet>("channel_get"),
    blocking_row<ChannelPut>("channel_put"),
    blocking_row<RangeCall<ChannelGet>>("channel_range_for"),
    blocking_row<GetOpCall<ChannelGet>>("wait_any_channel_get"),
    blocking_row<PutOpCall<ChannelPut>>("wait_any_channel_put"),
});

// gevent Q1
TEST_F(ChannelTest, try_put_fails_while_nobody_waits_and_keeps_the_item) {
  Channel<std::string> channel;
  std::string item = "item";
  EXPECT_FALSE(channel.try_put(std::move(item)));
  EXPECT_EQ(item, "item");
  EXPECT_EQ(channel.try_get(), std::nullopt);
}

// gevent Q2
TEST_F(ChannelTest, a_posted_try_put_reaches_who_waits) {
  Channel<int> channel;
  auto getter = spawn([&] { return channel.get(); });
  yield();
  Hub::current().post([&] {
    EXPECT_TRUE(channel.try_put(5));
    EXPECT_FALSE(channel.try_put(6));
  });
  EXPECT_EQ(getter.get(), 5);
}

// gevent Q4
TEST_F(ChannelTest, a_posted_try_get_takes_from_who_waits_to_put) {
  Channel<int> channel;
  auto putter = spawn([&] { channel.put(5); });
  yield();
  EXPECT_EQ(channel.waiting_putters(), 1u);
  std::optional<int> got;
  Hub::current().post([&] { got = channel.try_get(); });
  putter.join();
  EXPECT_EQ(got, 5);
}

// gevent Q6
TEST_F(ChannelTest, a_guarded_getter_gets_what_comes_in_time) {
  Channel<int> channel;
  auto getter = spawn([&] {
    Timeout limit(10s);
    return channel.get();
  });
  yield();
  channel.put(9);
  EXPECT_EQ(getter.get(), 9);
}

// gevent Q15
TEST_F(ChannelTest, put_comes_back_after_the_getter_has_the_item) {
  for (const bool getter_first : {true, false}) {
    Channel<int> channel;
    Log log;
    const auto get = [&] { log.push_back("got " + std::to_string(channel.get())); };
    const auto put = [&] {
      channel.put(1);
      log.emplace_back("put");
    };
    auto a = getter_first ? spawn(get) : spawn(put);
    yield();
    auto b = getter_first ? spawn(put) : spawn(get);
    join_all({a, b});
    EXPECT_EQ(log, (Log{"got 1", "put"}));
  }
}

// gevent Q16
TEST_F(ChannelTest, main_sends_and_another_receives) {
  Channel<std::string> channel;
  Log log;
  auto g = spawn([&] {
    log.push_back(channel.get());
    log.push_back(channel.get());
  });
  log.emplace_back("sending");
  channel.put("hello");
  log.emplace_back("sent hello");
  channel.put("world");
  log.emplace_back("sent world");
  EXPECT_EQ(log, (Log{"sending", "hello", "sent hello", "world", "sent world"}));
  g.join();
}

// gevent Q17
TEST_F(ChannelTest, main_receives_and_another_sends) {
  Channel<std::string> channel;
  Log log;
  auto g = spawn([&] {
    log.emplace_back("sending hello");
    channel.put("hello");
    log.emplace_back("sending world");
    channel.put("world");
    log.emplace_back("sent world");
  });
  log.emplace_back("waiting");
  log.push_back(channel.get());
  log.push_back(channel.get());
  EXPECT_EQ(log, (Log{"waiting", "sending hello", "hello", "sending world", "world"}));
  yield();
  EXPECT_EQ(log.back(), "sent world");
  g.join();
}

// gevent Q25
TEST_F(ChannelTest, it_is_full_and_empty_at_once) {
  Channel<int> channel;
  EXPECT_TRUE(channel.full());
  EXPECT_TRUE(channel.empty());
  EXPECT_EQ(channel.size(), 0u);
}

TEST_F(ChannelTest, both_sides_are_served_first_come_first_served) {
  Channel<int> channel;
  std::vector<GreenletRef<>> all;
  std::vector<int> got;
  for (int i = 0; i < 3; ++i)
    all.push_back(spawn([&, i] { channel.put(i); }));
  yield();
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(channel.get(), i);
  for (int i = 0; i < 3; ++i)
    all.push_back(spawn([&, i] { got.push_back(10 * i + channel.get()); }));
  yield();
  for (int i = 0; i < 3; ++i)
    channel.put(i);
  join_all(all);
  EXPECT_EQ(got, (std::vector<int>{0, 11, 22}));
}

TEST_F(ChannelTest, one_that_left_neither_takes_nor_gives) {
  Channel<int> channel;
  EXPECT_THROW(channel.put(1, 1ms), TimeoutError);
  EXPECT_THROW(channel.get(1ms), TimeoutError);
  auto putter = spawn([&] { channel.put(2); });
  auto getter = spawn([&] { channel.get(); });
  join_all({putter, getter});
  auto killed = spawn([&] { channel.put(3); });
  yield();
  killed.kill_nowait();
  EXPECT_EQ(channel.try_get(), std::nullopt);
  killed.join();
  EXPECT_TRUE(killed.killed());
}

TEST_F(ChannelTest, a_kill_after_the_hand_over_comes_at_the_next_wait) {
  Channel<int> channel;
  bool put = false;
  int got = 0;
  auto getter = spawn([&] {
    got = channel.get();
    yield();
  });
  yield();
  auto putter = spawn([&] {
    channel.put(1);
    put = true;
    yield();
    ADD_FAILURE() << "the kill did not come";
  });
  auto killer = spawn([&] {
    putter.kill_nowait();
    getter.kill_nowait();
  });
  join_all({getter, putter, killer});
  EXPECT_TRUE(put);
  EXPECT_EQ(got, 1);
  EXPECT_TRUE(putter.killed());
}

TEST_F(ChannelTest, each_side_may_be_one_of_several_operations) {
  Channel<int> channel;
  Event event;
  auto chooser = spawn([&] { return wait_any(event.wait_op(), channel.get_op()); });
  yield();
  EXPECT_EQ(wait_any(channel.put_op(4), event.wait_op()).index(), 0u);
  EXPECT_EQ(std::get<1>(chooser.get()), 4);

  auto sender = spawn([&] { return wait_any(event.wait_op(), channel.put_op(5)).index(); });
  yield();
  EXPECT_EQ(std::get<0>(wait_any(channel.get_op(), event.wait_op())), 5);
  EXPECT_EQ(sender.get(), 1u);

  EXPECT_EQ(wait_any(channel.put_op(6), after(1ms)).index(), 1u);
  EXPECT_EQ(channel.try_get(), std::nullopt);
  EXPECT_EQ(channel.waiting_putters(), 0u);
}

TEST_F(ChannelTest, a_loop_takes_items_until_it_is_closed) {
  Channel<int> channel;
  auto sum = spawn([&] {
    int all = 0;
    for (const int item : channel)
      all += item;
    return all;
  });
  for (int i = 1; i <= 3; ++i)
    channel.put(i);
  channel.close();
  EXPECT_EQ(sum.get(), 6);
}

TEST_F(ChannelTest, closing_wakes_both_sides_and_ends_all_calls) {
  Channel<int> channel;
  auto getter = spawn([&] { EXPECT_THROW(channel.get(), Closed); });
  yield();
  channel.close();
  getter.get();
  EXPECT_TRUE(channel.closed());
  EXPECT_THROW(channel.put(1), Closed);
  EXPECT_EQ(text_of<Closed>([&] { (void)channel.try_put(1); }),
            "Channel.try_put: the channel is closed");
  EXPECT_THROW(channel.get(), Closed);
  EXPECT_THROW((void)channel.try_get(), Closed);
  EXPECT_THROW(wait_any(channel.get_op()), Closed);
  EXPECT_NO_THROW(channel.close());

  auto other = std::make_unique<Channel<int>>();
  auto putter = spawn([&] { EXPECT_THROW(other->put(1), Closed); });
  auto chooser = spawn([&] { EXPECT_THROW(wait_any(other->put_op(1)), Closed); });
  yield();
  other.reset();
  putter.get();
  chooser.get();
}

// Throws when it is moved while armed.
struct Fragile {
  int value = 0;
  static inline bool armed = false;
  explicit Fragile(int v) : value(v) {}
  Fragile(Fragile&& other) : value(other.value) {
    if (armed) {
      armed = false;
      throw TestError();
    }
  }
};

// gevent Q29
TEST_F(ChannelTest, a_move_that_throws_loses_neither_item_nor_waiter) {
  Channel<Fragile> channel;
  auto putter = spawn([&] { channel.put(Fragile(1)); });
  yield();
  Fragile::armed = true;
  EXPECT_THROW(channel.get(), TestError);
  EXPECT_EQ(channel.waiting_putters(), 1u);
  EXPECT_EQ(channel.get().value, 1);
  putter.join();

  auto getter = spawn([&] { return channel.get().value; });
  yield();
  Fragile item(2);
  Fragile::armed = true;
  EXPECT_THROW((void)channel.try_put(std::move(item)), TestError);
  EXPECT_EQ(channel.waiting_getters(), 1u);
  EXPECT_TRUE(channel.try_put(std::move(item)));
  EXPECT_EQ(getter.get(), 2);
}

} // namespace
} // namespace grove::test
