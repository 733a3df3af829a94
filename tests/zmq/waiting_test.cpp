// SPDX-License-Identifier: MIT
// Sockets while greenlets wait in them: timeouts, kills, closing.
#include <grove/zmq/socket.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <grove/hub.hpp>

#include "waiting.hpp"

namespace grove::zmq {
namespace {

using namespace std::chrono_literals;
using test::settle;

TEST_F(WaitingTest, recv_gives_up_at_its_deadline) {
  EXPECT_THROW(static_cast<void>(pull.recv(1ms)), TimeoutError);
  EXPECT_THROW(static_cast<void>(pull.recv_multipart(0s)), TimeoutError);
  push.send("x");
  EXPECT_EQ(pull.recv(0s).text(), "x");
}

TEST_F(WaitingTest, send_gives_up_at_its_deadline_and_keeps_the_message) {
  const int count = fill();
  Message message("kept");
  EXPECT_THROW(push.send(std::move(message), 1ms), TimeoutError);
  EXPECT_EQ(message.text(), "kept"); // NOLINT(bugprone-use-after-move): it says so
  Multipart parts = multipart("a", "b");
  EXPECT_THROW(push.send_multipart(std::move(parts), 1ms), TimeoutError);
  ASSERT_EQ(parts.size(), 2U); // NOLINT(bugprone-use-after-move): it says so
  EXPECT_EQ(parts[0].text(), "a");
  EXPECT_EQ(parts[1].text(), "b");
  drain(count);
  push.send(std::move(message));
  EXPECT_EQ(pull.recv().text(), "kept");
}

// pitfall 75
TEST_F(WaitingTest, the_timeout_options_are_the_default_deadline) {
  pull.set(option::rcvtimeo, 1ms);
  push.set(option::sndtimeo, 1ms);
  EXPECT_THROW(static_cast<void>(pull.recv()), TimeoutError);
  EXPECT_THROW(static_cast<void>(pull.recv_multipart()), TimeoutError);
  fill();
  EXPECT_THROW(push.send("x"), TimeoutError);
  pull.set(option::rcvtimeo, -1ms);
  EXPECT_EQ(pull.recv().text(), "0");
}

// How an operation can be made to wait, and what shows that it did nothing.
struct Wait {
  const char* name;
  bool sends;
  std::function<void(Socket& pull, Socket& push)> operation;
};
void PrintTo(const Wait& wait, std::ostream* out) { *out << wait.name; }

class EveryWait : public WaitingTest, public ::testing::WithParamInterface<Wait> {
protected:
  // What shall be waited for and then given up, between two checks that nothing was lost.
  void interrupted_by(const std::function<void(const GreenletRef<>&)>& interrupt) {
    const int count = GetParam().sends ? fill() : 0;
    const auto waiting = spawn([&] { GetParam().operation(pull, push); });
    settle();
    ASSERT_FALSE(waiting.ready());
    interrupt(waiting);
    ASSERT_TRUE(waiting.ready());
    drain(count);
    EXPECT_FALSE(pull.try_recv().has_value());
    for (int i = 0; i < 100; ++i) {
      push.send_multipart({"still", std::to_string(i)});
      ASSERT_EQ(pull.recv_multipart().at(1).text(), std::to_string(i));
    }
  }
};

INSTANTIATE_TEST_SUITE_P(
    zmq, EveryWait,
    ::testing::Values(
        Wait{"recv", false, [](Socket& pull, Socket&) { static_cast<void>(pull.recv()); }},
        Wait{"recv_until", false, [](Socket& pull, Socket&) { static_cast<void>(pull.recv(1h)); }},
        Wait{"recv_multipart", false,
             [](Socket& pull, Socket&) { static_cast<void>(pull.recv_multipart()); }},
        Wait{"send", true, [](Socket&, Socket& push) { push.send("lost"); }},
        Wait{"send_until", true, [](Socket&, Socket& push) { push.send("lost", 1h); }},
        Wait{"send_multipart", true,
             [](Socket&, Socket& push) {
               push.send_multipart({"lost", "too"});
             }}),
    [](const auto& wait) { return std::string(wait.param.name); });

TEST_P(EveryWait, a_kill_leaves_the_socket_usable_and_loses_nothing) {
  interrupted_by([](const GreenletRef<>& waiting) {
    waiting.kill();
    EXPECT_TRUE(waiting.killed());
  });
}

TEST_P(EveryWait, a_timeout_scope_leaves_the_socket_usable_and_loses_nothing) {
  const int count = GetParam().sends ? fill() : 0;
  bool expired = false;
  {
    Timeout scope(1ms);
    try {
      GetParam().operation(pull, push);
    } catch (const TimeoutExpired& timeout) {
      expired = scope.is(timeout);
    }
  }
  EXPECT_TRUE(expired);
  drain(count);
  push.send("x");
  EXPECT_EQ(pull.recv().text(), "x");
  EXPECT_FALSE(pull.try_recv().has_value());
}

// pitfall 57
TEST_P(EveryWait, a_kill_that_is_due_comes_before_what_need_not_wait) {
  if (!GetParam().sends)
    push.send("x");
  const auto killed = spawn([&] {
    {
      const Shield shield;
      yield();
    }
    GetParam().operation(pull, push);
  });
  yield();
  killed.kill_nowait();
  settle();
  EXPECT_TRUE(killed.killed());
  EXPECT_EQ(pull.try_recv().has_value(), !GetParam().sends);
}

TEST_P(EveryWait, closing_wakes_with_closed) {
  if (GetParam().sends)
    fill();
  std::vector<GreenletRef<bool>> all;
  all.reserve(100);
  for (int i = 0; i < 3; ++i) {
    all.push_back(spawn([&] {
      try {
        GetParam().operation(pull, push);
        return false;
      } catch (const Closed&) {
        return true;
      }
    }));
  }
  settle();
  (GetParam().sends ? push : pull).close();
  for (const auto& one : all)
    EXPECT_TRUE(one.get());
}

TEST_P(EveryWait, destroying_the_socket_wakes_with_closed) {
  if (GetParam().sends)
    fill();
  auto owner = std::make_unique<Socket>(std::move(GetParam().sends ? push : pull));
  const auto waiting = spawn([&] { EXPECT_THROW(GetParam().operation(*owner, *owner), Closed); });
  settle();
  ASSERT_FALSE(waiting.ready());
  owner.reset();
  waiting.get();
}

TEST_P(EveryWait, shutting_the_context_down_wakes_with_closed) {
  if (GetParam().sends)
    fill();
  const auto waiting = spawn([&] { EXPECT_THROW(GetParam().operation(pull, push), Closed); });
  settle();
  ASSERT_FALSE(waiting.ready());
  context.shutdown();
  waiting.get();
}

TEST_F(WaitingTest, a_killed_receiver_leaves_the_message_to_the_next) {
  const auto first = spawn([&] { return std::string(pull.recv().text()); });
  const auto second = spawn([&] { return std::string(pull.recv().text()); });
  settle();
  first.kill_nowait();
  push.send("x");
  EXPECT_EQ(second.get(), "x");
  EXPECT_TRUE(first.killed());
}

// libzmq tells who is busy about once in a millisecond.
TEST_F(WaitingTest, a_shutdown_reaches_who_is_busy_at_once) {
  Socket a(context, SocketType::pub), b(context, SocketType::pub);
  a.bind("inproc://a");
  b.bind("inproc://b");
  for (int i = 0; i < 1000; ++i) {
    a.send("x");
    b.send("x");
  }
  context.shutdown();
  EXPECT_THROW(static_cast<void>(a.try_send("x")), Closed);
  int sent = 0;
  const auto go_on = [&] {
    for (;; ++sent)
      b.send("x");
  };
  EXPECT_THROW(go_on(), Closed);
  EXPECT_LE(sent, 64);
}

} // namespace
} // namespace grove::zmq
