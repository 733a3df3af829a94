// SPDX-License-Identifier: MIT
// Messages of borrowed bytes: whose they are, and that their owner is released once, always.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <grove/hub.hpp>
#include <grove/zmq/socket.hpp>

#include "../support/hub_test.hpp"

namespace grove::zmq {
namespace {

using namespace std::chrono_literals;
using Buffer = std::vector<std::byte>;

std::span<const std::byte> bytes_of(const std::string& text) {
  return std::as_bytes(std::span(text));
}

class BorrowTest : public test::HubTest {
protected:
  Message borrow(const std::string& text) {
    return Message::borrow(bytes_of(text), [this]() noexcept { ++released; });
  }
  std::atomic<int> released = 0; // on any thread
};

TEST_F(BorrowTest, the_bytes_stay_where_they_are) {
  Context context;
  Socket pull(context, SocketType::pull), push(context, SocketType::push);
  push.connect(pull.bind("inproc://here"));
  const auto picture = std::make_shared<const Buffer>(100'000, std::byte{7});
  push.send(Message::borrow(*picture, picture));
  EXPECT_EQ(picture.use_count(), 2);
  {
    const Message received = pull.recv();
    EXPECT_EQ(received.bytes().data(), picture->data());
    EXPECT_EQ(received.size(), picture->size());
  }
  EXPECT_EQ(picture.use_count(), 1);
}

TEST_F(BorrowTest, a_message_that_is_never_sent_releases_them) {
  const std::string text(1000, 'x');
  {
    const Message message = borrow(text);
    EXPECT_EQ(message.text().data(), text.data());
    EXPECT_EQ(released, 0);
  }
  EXPECT_EQ(released, 1);
}

TEST_F(BorrowTest, the_last_of_its_copies_releases_them) {
  const std::string text(1000, 'x');
  Message message = borrow(text);
  Message copy = message.copy();
  const Message moved = std::move(message);
  copy = Message();
  EXPECT_EQ(released, 0);
  copy = moved.copy();
  EXPECT_EQ(copy.text().data(), text.data());
  copy = "other";
  EXPECT_EQ(released, 0);
}

TEST_F(BorrowTest, no_bytes_at_all_are_released_too) {
  {
    const Message message = Message::borrow({}, [this]() noexcept { ++released; });
  }
  EXPECT_EQ(released, 1);
}

TEST_F(BorrowTest, what_was_sent_over_tcp_is_released_by_libzmq) {
  const std::string text(1 << 20, 'x');
  auto owner = std::make_unique<int>(1); // one that only moves
  {
    Context context;
    Socket pull(context, SocketType::pull), push(context, SocketType::push);
    push.connect(pull.bind("tcp://127.0.0.1:*"));
    for (int i = 0; i < 10; ++i)
      push.send(borrow(text));
    push.send(Message::borrow(bytes_of(text), std::move(owner)));
    for (int i = 0; i < 11; ++i)
      EXPECT_EQ(pull.recv(30s).text(), text);
  } // whose end waits for libzmq's threads
  EXPECT_EQ(released, 10);
}

TEST_F(BorrowTest, what_nobody_came_for_is_released_with_the_socket) {
  const std::string text(1000, 'x');
  {
    Context context;
    Socket push(context, SocketType::push);
    push.set(option::linger, 0ms);
    push.connect("tcp://127.0.0.1:1"); // where nobody listens
    push.send(borrow(text));
    EXPECT_EQ(released, 0);
  }
  EXPECT_EQ(released, 1);
}

TEST_F(BorrowTest, what_a_publisher_drops_is_released) {
  const std::string text(1000, 'x');
  Context context;
  Socket pub(context, SocketType::pub);
  pub.bind("inproc://here");
  pub.send(borrow(text));
  EXPECT_EQ(released, 1);
}

TEST_F(BorrowTest, a_refused_send_leaves_them_to_the_caller) {
  const std::string text(1000, 'x');
  Context context;
  Socket push(context, SocketType::push);
  Message message = borrow(text);
  EXPECT_FALSE(push.try_send(std::move(message)));
  EXPECT_THROW(push.send(std::move(message), 1ms), TimeoutError); // NOLINT: not moved from
  EXPECT_EQ(message.text().data(), text.data());                  // NOLINT
  EXPECT_EQ(released, 0);
  message = Message();
  EXPECT_EQ(released, 1);
}

TEST_F(BorrowTest, a_thread_without_a_hub_may_let_a_hub_know) {
  const std::string text(1 << 20, 'x');
  AsyncResult<void> gone;
  const Hub::Attachment attachment = Hub::current().attach(); // the thread may wake this hub
  Context context;
  Socket pull(context, SocketType::pull), push(context, SocketType::push);
  push.connect(pull.bind("tcp://127.0.0.1:*"));
  push.send(Message::borrow(bytes_of(text), [&gone]() noexcept { gone.set(); }));
  EXPECT_EQ(pull.recv(30s).size(), text.size());
  EXPECT_TRUE(gone.wait(30s));
}

} // namespace
} // namespace grove::zmq
