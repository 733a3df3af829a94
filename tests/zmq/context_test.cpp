// SPDX-License-Identifier: MIT
// Contexts: how they end while the hub goes on.
#include <grove/zmq/context.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

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

TEST_F(ContextTest, a_term_without_time_has_ended_what_its_sockets_do) {
  Context context;
  Socket pull(context, SocketType::pull);
  pull.bind("inproc://here");
  EXPECT_FALSE(context.term(0s));
  EXPECT_THROW(static_cast<void>(pull.try_recv()), Closed);
  pull.close();
  EXPECT_TRUE(context.term()); // else the process may end before libzmq's threads have
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

// -- what is open ---------------------------------------------------------------------------------

// Collects the log while it lives.
class Logged {
public:
  Logged() : before_(set_log_sink([this](LogLevel, std::string_view text) { text_ += text; })) {}
  Logged(const Logged&) = delete;
  Logged& operator=(const Logged&) = delete;
  ~Logged() { set_log_sink(before_); }
  const std::string& text() const { return text_; }

private:
  std::string text_;
  LogSink before_;
};

TEST_F(ContextTest, tells_which_sockets_are_open) {
  Context context;
  EXPECT_TRUE(context.open_sockets().empty());
  Socket pull(context, SocketType::pull);
  const std::string endpoint = pull.bind("tcp://127.0.0.1:*");
  std::optional<Socket> push(std::in_place, context, SocketType::push);
  push->connect(endpoint);
  push->connect("inproc://elsewhere");
  push->disconnect(endpoint);
  const auto open = context.open_sockets();
  ASSERT_EQ(open.size(), 2U);
  EXPECT_EQ(open[0].type, SocketType::pull);
  EXPECT_EQ(open[0].endpoints, std::vector<std::string>{endpoint});
  EXPECT_EQ(open[0].hub, Hub::current().index());
  EXPECT_EQ(open[1].endpoints, std::vector<std::string>{"inproc://elsewhere"});
  push.reset();
  EXPECT_EQ(context.open_sockets().size(), 1U);
  HubThread other;
  other.call([&] {
    const Socket theirs(context, SocketType::sub);
    EXPECT_EQ(context.open_sockets().at(1).hub, other.hub().index());
  });
}

TEST_F(ContextTest, a_term_that_runs_out_of_time_names_what_is_open) {
  Context context;
  std::optional<Socket> pull(std::in_place, context, SocketType::pull);
  const std::string endpoint = pull->bind("tcp://127.0.0.1:*");
  const Logged log;
  EXPECT_FALSE(context.term(1ms));
  EXPECT_FALSE(context.term(1ms)); // again: the same
  EXPECT_THAT(log.text(),
              ::testing::HasSubstr("zmq: Context.term ran out of time, still open: PULL " +
                                   endpoint + " of hub 0"));
  pull.reset();
  EXPECT_TRUE(context.term());
}

TEST_F(ContextTest, the_end_of_the_process_names_what_is_open) {
  test::in_fresh_processes();
  EXPECT_EXIT(
      {
        const auto abandoned = spawn([] {
          Socket pull(SocketType::pull);
          pull.bind("inproc://forgotten");
          static_cast<void>(pull.recv());
        });
        settle();
        std::exit(0); // NOLINT(concurrency-mt-unsafe)
      },
      ::testing::ExitedWithCode(0),
      "zmq: the process ends, still open: PULL inproc://forgotten of hub 0");
}

// -- fork() --------------------------------------------------------------------------------------
//
// Not under sanitizers: their allocators stay locked in the child if a thread of libzmq was at one.

const char* const no_fork = "sanitizers know no fork() beside threads";

// The exit code of a child that runs f; 99 if it throws.
template <class F>
int in_child(F f) {
  const pid_t child = ::fork();
  if (child == 0) {
    int code = 99;
    try {
      code = f();
    } catch (...) { // its code tells
    }
    ::_exit(code);
  }
  int status = -1;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

// How many of the calls throw std::logic_error.
template <class... F>
int refused(F... calls) {
  const auto throws = [](auto& call) {
    try {
      call();
    } catch (const std::logic_error& error) {
      return std::string(error.what()).find("made before fork()") != std::string::npos;
    }
    return false;
  };
  return (0 + ... + throws(calls));
}

TEST_F(ContextTest, what_the_parent_made_is_refused_in_the_child_of_a_fork) {
  if (test::sanitized)
    GTEST_SKIP() << no_fork;
  auto context = std::make_unique<Context>();
  auto pull = std::make_unique<Socket>(*context, SocketType::pull);
  auto push = std::make_unique<Socket>(SocketType::push);
  push->connect(pull->bind("tcp://127.0.0.1:*"));
  push->send("before");
  EXPECT_EQ(in_child([&] {
              const int count =
                  refused([&] { static_cast<void>(pull->recv()); }, [&] { push->send("x"); },
                          [&] { push->connect("inproc://x"); }, [&] { wait_any(pull->recv_op()); },
                          [&] { Socket(*context, SocketType::pull); }, [&] { context->term(); },
                          [&] { static_cast<void>(context->open_sockets()); });
              pull.reset(); // neither closes anything
              push.reset();
              context.reset();
              return count;
            }),
            7);
  EXPECT_EQ(pull->recv(1min).text(), "before");
  push->send("after");
  EXPECT_EQ(pull->recv(1min).text(), "after");
}

TEST_F(ContextTest, the_child_of_a_fork_has_a_context_of_its_own) {
  if (test::sanitized)
    GTEST_SKIP() << no_fork;
  const Socket before(SocketType::pull);
  Context* const parents = &Context::process();
  EXPECT_EQ(in_child([&] {
              Socket pull(SocketType::pull), push(SocketType::push);
              push.connect(pull.bind("tcp://127.0.0.1:*"));
              push.send("x");
              const bool arrived = pull.recv(1min).text() == "x";
              return (&Context::process() != parents ? 1 : 0) + (arrived ? 2 : 0);
            }),
            3);
  EXPECT_EQ(&Context::process(), parents);
}

TEST_F(ContextTest, the_child_of_a_fork_may_exit_as_others_do) {
  if (test::sanitized)
    GTEST_SKIP() << no_fork;
  test::in_fresh_processes();
  EXPECT_EXIT(
      {
        const Socket socket(SocketType::pull);
        const pid_t child = ::fork();
        if (child == 0)
          std::exit(7); // NOLINT(concurrency-mt-unsafe)
        int status = -1;
        ::waitpid(child, &status, 0);
        ::_exit(WIFEXITED(status) ? WEXITSTATUS(status) : -1);
      },
      ::testing::ExitedWithCode(7), "");
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
