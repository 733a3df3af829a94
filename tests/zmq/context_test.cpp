// SPDX-License-Identifier: MIT
// Contexts: how they end while the hub goes on.
#include <grove/zmq/context.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

#include <grove/hub.hpp>
#include <grove/zmq/socket.hpp>

#include "../support/hub_test.hpp"

namespace grove::zmq {
namespace {

using namespace std::chrono_literals;
using test::settle;

class ContextTest : public test::HubTest {};

TEST_F(ContextTest, there_is_one_for_the_process) {
  EXPECT_EQ(&Context::process(), &Context::process());
  Socket pull(SocketType::pull), push(SocketType::push);
  push.connect(pull.bind("inproc://process"));
  push.send("x");
  EXPECT_EQ(pull.recv().text(), "x");
}

// pitfall 69
TEST_F(ContextTest, term_waits_for_the_sockets_while_others_go_on) {
  Context context;
  std::optional<Socket> socket(std::in_place, context, SocketType::pull);
  socket->bind("inproc://here");
  int ticks = 0;
  bool stop = false;
  const auto ticking = spawn([&] {
    while (!stop) {
      ++ticks;
      yield();
    }
  });
  const auto receiver = spawn([&] { EXPECT_THROW(static_cast<void>(socket->recv()), Closed); });
  settle();
  const auto ending = spawn([&] { return context.term(); });
  receiver.get(); // woken: the context is going
  const int before = ticks;
  settle(100);
  EXPECT_GE(ticks, before + 100);
  EXPECT_FALSE(ending.ready()); // a socket is still open
  EXPECT_THROW(Socket(context, SocketType::pull), Closed);
  socket.reset();
  EXPECT_TRUE(ending.get());
  EXPECT_TRUE(context.term()); // again: nothing to do
  EXPECT_EQ(context.native_handle(), nullptr);
  stop = true;
  ticking.join();
}

TEST_F(ContextTest, a_term_that_gives_up_goes_on_behind_the_scenes) {
  Context context;
  std::optional<Socket> socket(std::in_place, context, SocketType::pull);
  EXPECT_FALSE(context.term(1ms));
  const auto killed = spawn([&] { context.term(); });
  settle();
  killed.kill();
  EXPECT_TRUE(killed.killed());
  socket.reset();
  EXPECT_TRUE(context.term());
}

TEST_F(ContextTest, several_may_wait_for_the_end_on_hubs_and_threads) {
  Context context;
  std::optional<Socket> socket(std::in_place, context, SocketType::pull);
  HubThread other;
  const auto here = spawn([&] { return context.term(); });
  const auto there = spawn([&] { return other.call([&] { return context.term(); }); });
  AsyncResult<bool> from_thread;
  std::thread thread([&] { from_thread.set(context.term()); });
  settle();
  EXPECT_FALSE(here.ready());
  socket.reset();
  EXPECT_TRUE(here.get());
  EXPECT_TRUE(there.get());
  const Hub::Attachment attachment = Hub::current().attach();
  EXPECT_TRUE(from_thread.get());
  thread.join();
}

// pitfall 69
TEST_F(ContextTest, what_lingers_is_given_up_after_the_linger_time) {
  Context context;
  {
    Socket push(context, SocketType::push);
    push.set(option::linger, 1ms);
    push.connect("tcp://127.0.0.1:1"); // nobody listens
    push.send("never to arrive");
  }
  EXPECT_TRUE(context.term());
}

TEST_F(ContextTest, what_was_sent_before_closing_still_arrives) {
  Context ours, theirs;
  Socket pull(theirs, SocketType::pull);
  const std::string endpoint = pull.bind("tcp://127.0.0.1:*");
  {
    Socket push(ours, SocketType::push);
    push.connect(endpoint);
    for (int i = 0; i < 1000; ++i)
      push.send(std::to_string(i));
  }
  EXPECT_TRUE(ours.term());
  for (int i = 0; i < 1000; ++i)
    ASSERT_EQ(pull.recv().text(), std::to_string(i));
}

TEST_F(ContextTest, its_destructor_waits_green) {
  int ticks = 0;
  bool stop = false;
  const auto ticking = spawn([&] {
    while (!stop) {
      ++ticks;
      yield();
    }
  });
  {
    Context context;
    Socket push(context, SocketType::push);
    push.set(option::linger, 20ms);
    push.connect("tcp://127.0.0.1:1");
    push.send("never to arrive");
  }
  EXPECT_GT(ticks, 0);
  stop = true;
  ticking.join();
}

TEST_F(ContextTest, sockets_outlive_the_context_object) {
  std::optional<Context> context(std::in_place);
  Socket pull(*context, SocketType::pull), push(*context, SocketType::push);
  context.reset();
  push.connect(pull.bind("inproc://here"));
  push.send("x");
  EXPECT_EQ(pull.recv().text(), "x");
}

TEST_F(ContextTest, too_many_sockets_are_refused_with_the_remedy) {
  Context context({.io_threads = 1, .max_sockets = 2});
  Socket first(context, SocketType::pull), second(context, SocketType::pull);
  try {
    Socket third(context, SocketType::pull);
    FAIL();
  } catch (const std::system_error& error) {
    EXPECT_EQ(error.code(), std::errc::too_many_files_open);
    EXPECT_THAT(error.what(), ::testing::HasSubstr("max_sockets"));
  }
  EXPECT_THROW(Context({.io_threads = -1}), std::system_error);
}

TEST_F(ContextTest, a_thread_without_a_hub_may_end_one) {
  std::thread([] {
    Context context;
    EXPECT_THROW(Socket(context, SocketType::pull), std::logic_error);
    EXPECT_TRUE(context.term(1min));
  }).join();
}

} // namespace
} // namespace grove::zmq
