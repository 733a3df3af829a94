// SPDX-License-Identifier: MIT
// Message pipes: order and wholeness, ends, bad streams, children at the other end.
#include <cerrno>
#include <cstdlib>
#include <functional>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <grove/hub/detail/frames.hpp>
#include <grove/hub/greenlet.hpp>
#include <grove/hub/hub.hpp>
#include <grove/hub/join.hpp>
#include <grove/hub/message_pipe.hpp>
#include <grove/hub/process.hpp>
#include <grove/hub/timeout.hpp>
#include <grove/hub/wait_any.hpp>

#include "../support/blocking_call.hpp"
#include "../support/hub_test.hpp"

namespace grove::test {
namespace {

using Ends = std::pair<MessagePipe, MessagePipe>;

// As many as go without waiting.
int fill(MessagePipe& pipe) {
  int sent = 0;
  try {
    for (;; ++sent)
      pipe.send(std::string(4000, 'f'), Clock::now() - 1s);
  } catch (const TimeoutError&) {
  }
  return sent;
}
// Until nothing comes any more, not even the rest of one under way.
int drain(MessagePipe& pipe) {
  int received = 0;
  try {
    while (pipe.receive(2ms))
      ++received;
  } catch (const TimeoutError&) {
  }
  return received;
}

class MessageReceive : public BlockingCall {
  bool call(Deadline deadline) override { return ends_.first.receive(deadline) == "x"; }
  void release() override { ends_.second.send("x"); }
  bool get_like() const override { return true; }
  bool direct() const override { return false; }

protected:
  Ends ends_ = MessagePipe::pair();
};
class MessageReceiveOp : public MessageReceive {
  bool call(Deadline deadline) override {
    return wait_any(ends_.first.receive_op(), after(deadline)).index() == 0;
  }
  bool get_like() const override { return false; }
};
class MessageSend : public MessageReceive {
public:
  MessageSend() { again(); }

private:
  bool call(Deadline deadline) override {
    ends_.first.send("x", deadline);
    return true;
  }
  void release() override {
    while (ends_.second.try_receive()) {
    }
  }
  void again() override { fill(ends_.first); }
};

[[maybe_unused]] const bool rows_added = add_blocking_calls({
    blocking_row<MessageReceive>("message_pipe_receive"),
    blocking_row<MessageReceiveOp>("wait_any_message_pipe"),
    blocking_row<MessageSend>("message_pipe_send"),
});

class MessagePipeTest : public HubTest {};

TEST_F(MessagePipeTest, messages_come_whole_and_in_order_both_ways) {
  auto [a, b] = MessagePipe::pair();
  const std::string binary("\0\xff\n", 3);
  a.send("one");
  a.send("");
  a.send(binary);
  EXPECT_EQ(b.receive(), "one");
  EXPECT_EQ(b.receive(), "");
  EXPECT_EQ(b.receive(), binary);
  b.send("back");
  EXPECT_EQ(a.receive(), "back");
  EXPECT_EQ(a.try_receive(), std::nullopt);
}

TEST_F(MessagePipeTest, the_end_of_one_side_is_the_end_for_the_other) {
  auto [a, b] = MessagePipe::pair();
  a.send("last");
  a.close();
  EXPECT_FALSE(a.is_open());
  EXPECT_EQ(b.receive(), "last");
  EXPECT_EQ(b.receive(), std::nullopt);
  EXPECT_EQ(b.receive(), std::nullopt);
  EXPECT_EQ(b.try_receive(), std::nullopt);
  try {
    b.send("x");
    ADD_FAILURE();
  } catch (const std::system_error& e) {
    EXPECT_EQ(e.code().value(), EPIPE);
  }
  EXPECT_THROW(a.send("x"), Closed);
  EXPECT_THROW(a.receive(), Closed);
}

TEST_F(MessagePipeTest, megabytes_go_through_while_others_run) {
  auto [a, b] = MessagePipe::pair();
  const std::string big(5 << 20, 'b');
  auto sender = spawn([&, &from = a] {
    from.send(big);
    from.send("after");
  });
  settle();
  EXPECT_FALSE(sender.ready());
  EXPECT_TRUE(b.receive() == big);
  EXPECT_EQ(b.receive(), "after");
  sender.get();
}

TEST_F(MessagePipeTest, senders_and_receivers_are_served_in_their_order) {
  Ends ends = MessagePipe::pair();
  Log log;
  std::vector<GreenletRef<>> all;
  for (int i = 0; i < 3; ++i)
    all.push_back(spawn([&] { log.push_back(*ends.second.receive()); }));
  settle();
  EXPECT_EQ(ends.second.try_receive(), std::nullopt);
  for (const char* text : {"1", "2", "3"})
    ends.first.send(text);
  join_all(all);
  EXPECT_EQ(log, (Log{"1", "2", "3"}));

  const int filled = fill(ends.first);
  all.clear();
  for (int i = 0; i < 3; ++i)
    all.push_back(spawn([&ends, i] { ends.first.send(std::to_string(i)); }));
  settle();
  for (int i = 0; i < filled; ++i)
    EXPECT_EQ(ends.second.receive()->size(), 4000u);
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(ends.second.receive(), std::to_string(i));
  join_all(all);
}

// pitfall 57
TEST_F(MessagePipeTest, a_message_that_was_begun_is_sent_whole_though_its_sender_is_killed) {
  for (const bool by_deadline : {false, true}) {
    Ends ends = MessagePipe::pair();
    const std::string big(3 << 20, 'b');
    auto sender = spawn([&] { ends.first.send(big, by_deadline ? Deadline(1ms) : Deadline()); });
    settle();
    EXPECT_FALSE(sender.ready());
    if (!by_deadline)
      sender.kill();
    EXPECT_TRUE(sender.join());
    EXPECT_EQ(sender.successful(), by_deadline);
    auto next = spawn([&] { ends.first.send("next"); });
    EXPECT_TRUE(ends.second.receive() == big);
    EXPECT_EQ(ends.second.receive(), "next");
    next.get();
  }
}

TEST_F(MessagePipeTest, one_whose_first_byte_has_found_no_room_is_not_sent) {
  Ends ends = MessagePipe::pair();
  const int filled = fill(ends.first);
  EXPECT_THROW(ends.first.send("x", 1ms), TimeoutError);
  EXPECT_EQ(drain(ends.second), filled);
}

// -- bad streams ---------------------------------------------------------------------------------

TEST_F(MessagePipeTest, one_above_the_limit_is_refused_here_and_an_error_there) {
  auto [a, b] = MessagePipe::pair(10);
  EXPECT_NO_THROW(a.send("0123456789"));
  EXPECT_THROW(a.send("0123456789a"), std::invalid_argument);
  EXPECT_EQ(b.receive(), "0123456789");
  EXPECT_EQ(write(a.descriptor(), "\xff\xff\xff\xff", 4), 4);
  for (int i = 0; i < 2; ++i) {
    try {
      (void)b.receive();
      ADD_FAILURE();
    } catch (const MessageError& e) {
      EXPECT_STREQ(e.what(),
                   "grove: MessagePipe: a message of 4294967295 bytes has come; the limit is 10");
    }
  }
  EXPECT_THROW(wait_any(b.receive_op()), MessageError);
}

TEST_F(MessagePipeTest, one_that_is_cut_short_is_an_error) {
  auto [a, b] = MessagePipe::pair();
  a.send("whole");
  EXPECT_EQ(write(a.descriptor(), "\0\0\0\5ab", 6), 6);
  EXPECT_EQ(b.receive(), "whole");
  EXPECT_THROW((void)b.receive(1ms), TimeoutError);
  auto receiver = spawn([&to = b] { return to.receive(); });
  settle();
  a.close();
  EXPECT_THROW(receiver.get(), MessageError);
}

// -- ends ----------------------------------------------------------------------------------------

TEST_F(MessagePipeTest, destroying_it_wakes_who_waits) {
  std::optional<Ends> ends(MessagePipe::pair());
  fill(ends->first);
  auto sender = spawn([&] { ends->first.send("x"); });
  auto receiver = spawn([&] { return ends->first.receive(); });
  auto op = spawn([&] { return std::get<0>(wait_any(ends->first.receive_op())); });
  settle();
  ends.reset();
  EXPECT_THROW(sender.get(), Closed);
  EXPECT_THROW(receiver.get(), Closed);
  EXPECT_THROW(op.get(), Closed);
}

TEST_F(MessagePipeTest, nobody_at_the_other_end_that_could_send_is_found_out) {
  auto [a, b] = MessagePipe::pair();
  auto receiver = spawn([&to = b] { return to.receive(); });
  settle();
  a.close();
  EXPECT_EQ(receiver.get(), std::nullopt);
}

TEST_F(MessagePipeTest, what_is_no_stream_socket_is_refused) {
  EXPECT_THROW(MessagePipe::from_descriptor(-1), std::system_error);
  const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  EXPECT_THROW(MessagePipe::from_descriptor(null), std::system_error);
  ::close(null);
}

TEST_F(MessagePipeTest, it_moves) {
  auto [a, b] = MessagePipe::pair();
  MessagePipe moved(std::move(a));
  EXPECT_FALSE(a.is_open());
  moved.send("x");
  EXPECT_EQ(b.receive(), "x");
  b = std::move(moved);
  EXPECT_EQ(b.receive(), std::nullopt) << "its other side was closed";
}

// -- with children -------------------------------------------------------------------------------

// The seed's snippet 24, with a fork.
TEST_F(MessagePipeTest, a_forked_child_relays_messages) {
  auto [here, there] = MessagePipe::pair();
  const pid_t child = fork();
  if (child == 0) {
    here.close();
    int i = 0;
    while (const auto message = there.receive())
      there.send(*message + " in " + std::to_string(i++));
    _exit(i);
  }
  there.close();
  auto sender = spawn([&to = here] {
    for (int i = 0; i < 5; ++i)
      to.send("hi");
  });
  for (int i = 0; i < 5; ++i)
    EXPECT_EQ(here.receive(), "hi in " + std::to_string(i));
  sender.get();
  here.close();
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(WEXITSTATUS(status), 5) << "it saw the end";
}

TEST_F(MessagePipeTest, a_child_that_was_given_its_end_talks_and_its_death_is_the_end) {
  auto [here, there] = MessagePipe::pair();
  const Stdio end = Stdio::descriptor(there.descriptor());
  // Four bytes of length, and five of message, back as they are.
  Process child(shell("head -c 9; exec sleep 100"), {.in = end, .out = end});
  there.close();
  here.send("hello");
  EXPECT_EQ(here.receive(), "hello");
  auto receiver = spawn([&from = here] { return from.receive(); });
  settle();
  EXPECT_FALSE(receiver.ready());
  child.kill(SIGKILL);
  EXPECT_EQ(receiver.get(), std::nullopt);
}

TEST_F(MessagePipeTest, a_child_takes_its_end_from_a_descriptor) {
  auto [here, there] = MessagePipe::pair();
  const int passed = fcntl(there.descriptor(), F_DUPFD, 3);
  MessagePipe end = MessagePipe::from_descriptor(passed);
  EXPECT_EQ(end.descriptor(), passed);
  EXPECT_NE(fcntl(passed, F_GETFD) & FD_CLOEXEC, 0);
  here.send("x");
  EXPECT_EQ(end.receive(), "x");
}

TEST(FrameReaderTest, messages_come_out_of_pieces_of_any_size) {
  std::string stream;
  const std::vector<std::string> messages{"", "a", std::string(300, 'b'), "", "end"};
  for (const std::string& message : messages) {
    const auto head = detail::frame_head(message.size());
    stream.append(head.data(), head.size()).append(message);
  }
  for (std::size_t piece = 1; piece <= stream.size(); ++piece) {
    detail::FrameReader reader(300);
    std::vector<std::string> got;
    for (std::size_t at = 0; at < stream.size(); at += piece) {
      reader.add(std::string_view(stream).substr(at, piece));
      while (auto message = reader.next())
        got.push_back(std::move(*message));
    }
    EXPECT_EQ(got, messages) << piece;
    EXPECT_NO_THROW(reader.end());
  }
}

TEST_F(MessagePipeTest, a_limit_that_no_head_can_tell_is_refused) {
  EXPECT_THROW(MessagePipe::pair(std::size_t{1} << 40), std::invalid_argument);
}

// The descriptor is another's, which cannot be sent to, for as long as the rest is to go out.
TEST_F(MessagePipeTest, an_error_within_a_message_is_the_end_of_sending) {
  auto [here, there] = MessagePipe::pair();
  const std::string large(1 << 20, 'l');
  EXPECT_NO_THROW(here.send(large, 1ms)); // begun: the rest is the loop's
  const int socket = fcntl(here.descriptor(), F_DUPFD_CLOEXEC, 0);
  const int other = open("/dev/null", O_RDWR | O_CLOEXEC);
  ASSERT_EQ(dup3(other, here.descriptor(), O_CLOEXEC), here.descriptor());
  char block[4096];
  std::size_t taken = 0;
  for (ssize_t n; (n = recv(there.descriptor(), block, sizeof block, MSG_DONTWAIT)) > 0;)
    taken += static_cast<std::size_t>(n);
  EXPECT_LT(taken, large.size());
  sleep(2ms); // the loop finds that there is room
  ASSERT_EQ(dup3(socket, here.descriptor(), O_CLOEXEC), here.descriptor());
  close(socket);
  close(other);
  for (int i = 0; i < 2; ++i) {
    try {
      here.send("not part of it");
      ADD_FAILURE() << "it was sent";
    } catch (const std::system_error& error) {
      EXPECT_EQ(error.code().value(), ENOTSOCK);
    }
  }
  EXPECT_EQ(recv(there.descriptor(), block, sizeof block, MSG_DONTWAIT), -1);
}

TEST_F(MessagePipeTest, who_waits_to_send_hears_of_the_error_too) {
  ErrorLog errors;
  auto [here, there] = MessagePipe::pair();
  auto first = spawn([&pipe = here] { pipe.send(std::string(1 << 20, 'l')); });
  auto second = spawn([&pipe = here] { pipe.send("s"); });
  settle();
  there.close();
  EXPECT_THROW(first.get(), std::system_error);
  EXPECT_THROW(second.get(), std::system_error);
}

} // namespace
} // namespace grove::test
