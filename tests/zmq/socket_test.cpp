// SPDX-License-Identifier: MIT
// Sockets: patterns over every transport, and what their errors say.
#include <grove/zmq/socket.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>
#include <zmq.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <filesystem>
#include <stop_token>
#include <string>
#include <system_error>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include <grove/hub.hpp>

#include "sockets.hpp"

namespace grove::zmq {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

// Where a pair of sockets meets.
class OverTransport : public SocketTest, public ::testing::WithParamInterface<const char*> {
protected:
  // Binds one and connects the other.
  void join(Socket& bound, Socket& connected) {
    std::string endpoint = GetParam();
    if (endpoint == "ipc") {
      directory_ = std::filesystem::temp_directory_path() /
                   ("grove-zmq-" + std::to_string(::getpid()) + "-" + std::to_string(++made_));
      std::filesystem::create_directory(directory_);
      endpoint = "ipc://" + (directory_ / "socket").string();
    }
    connected.connect(bound.bind(endpoint));
  }
  void TearDown() override {
    if (!directory_.empty())
      std::filesystem::remove_all(directory_);
    SocketTest::TearDown();
  }

private:
  std::filesystem::path directory_;
  static inline int made_ = 0;
};

INSTANTIATE_TEST_SUITE_P(zmq, OverTransport,
                         ::testing::Values("inproc://here", "tcp://127.0.0.1:*", "ipc"),
                         [](const auto& transport) {
                           const std::string endpoint = transport.param;
                           return endpoint.substr(0, endpoint.find(':'));
                         });

TEST_P(OverTransport, push_reaches_pull_in_order) {
  Socket pull(context, SocketType::pull), push(context, SocketType::push);
  join(pull, push);
  const auto sender = spawn([&] {
    for (int i = 0; i < 3000; ++i)
      push.send(std::to_string(i));
  });
  for (int i = 0; i < 3000; ++i)
    ASSERT_EQ(pull.recv().text(), std::to_string(i));
  sender.get();
}

TEST_P(OverTransport, rep_answers_req) {
  Socket rep(context, SocketType::rep), req(context, SocketType::req);
  join(rep, req);
  const auto server = spawn([&] {
    for (int i = 0; i < 100; ++i)
      rep.send(std::string(rep.recv().text()) + "!");
  });
  for (int i = 0; i < 100; ++i) {
    req.send("question " + std::to_string(i));
    ASSERT_EQ(req.recv().text(), "question " + std::to_string(i) + "!");
  }
  server.get();
}

TEST_P(OverTransport, sub_gets_what_it_subscribed_to) {
  Socket pub(context, SocketType::xpub), sub(context, SocketType::sub);
  join(pub, sub);
  sub.subscribe("b");
  EXPECT_EQ(pub.recv().text(), "\1b"); // the subscription has arrived
  for (const char* topic : {"a1", "b1", "c1", "b2"})
    pub.send(topic);
  EXPECT_EQ(sub.recv().text(), "b1");
  EXPECT_EQ(sub.recv().text(), "b2");
  sub.unsubscribe("b");
  EXPECT_EQ(pub.recv().text(), std::string("\0b", 2));
}

TEST_P(OverTransport, router_answers_the_dealer_that_asked) {
  Socket router(context, SocketType::router), a(context, SocketType::dealer),
      b(context, SocketType::dealer);
  a.set(option::routing_id, "a");
  b.set(option::routing_id, "b");
  join(router, a);
  b.connect(router.get(option::last_endpoint));
  const auto server = spawn([&] {
    for (int i = 0; i < 20; ++i) {
      Multipart request = router.recv_multipart();
      const std::string body(request.at(1).text());
      router.send_multipart(multipart(std::move(request.at(0)), body + "?", "end"));
    }
  });
  for (int i = 0; i < 10; ++i) {
    a.send("from a");
    b.send("from b");
    EXPECT_THAT(texts(a.recv_multipart()), ElementsAre("from a?", "end"));
    EXPECT_THAT(texts(b.recv_multipart()), ElementsAre("from b?", "end"));
  }
  server.get();
}

TEST_P(OverTransport, pair_goes_both_ways_at_once) {
  Socket left(context, SocketType::pair), right(context, SocketType::pair);
  join(left, right);
  const auto all = [](Socket& socket) {
    const auto reader = spawn([&] {
      for (int i = 0; i < 3000; ++i)
        ASSERT_EQ(socket.recv().text(), std::to_string(i));
    });
    for (int i = 0; i < 3000; ++i)
      socket.send(std::to_string(i));
    reader.get();
  };
  const auto other = spawn([&] { all(right); });
  all(left);
  other.get();
}

TEST_P(OverTransport, bytes_of_any_kind_and_size_arrive_unchanged) {
  Socket pull(context, SocketType::pull), push(context, SocketType::push);
  join(pull, push);
  for (const std::size_t size : {0U, 1U, 33U, 34U, 255U, 256U, 70'000U, 3'000'000U}) {
    std::vector<std::byte> bytes(size);
    for (std::size_t i = 0; i < size; ++i)
      bytes[i] = static_cast<std::byte>(i * 7);
    push.send(bytes);
    push.send(Message::adopt(std::vector<std::byte>(bytes)));
    for (int i = 0; i < 2; ++i) {
      const Message got = pull.recv();
      ASSERT_TRUE(std::ranges::equal(got.bytes(), bytes)) << size;
    }
  }
}

TEST_F(SocketTest, stream_speaks_with_plain_tcp) {
  Socket server(context, SocketType::stream), client(context, SocketType::stream);
  client.connect(server.bind("tcp://127.0.0.1:*"));
  const Multipart connected = server.recv_multipart(); // the peer's id, and nothing
  EXPECT_TRUE(connected.at(1).empty());
  server.send_multipart(multipart(connected.at(0).copy(), "raw"));
  EXPECT_TRUE(client.recv_multipart().at(1).empty());
  EXPECT_EQ(client.recv_multipart().at(1).text(), "raw");
}

// -- not waiting ---------------------------------------------------------------------------------

TEST_F(SocketTest, try_operations_never_wait) {
  Socket pull(context, SocketType::pull), push(context, SocketType::push);
  Message message("kept");
  EXPECT_FALSE(push.try_send(std::move(message))); // nobody is connected
  EXPECT_EQ(message.text(), "kept");               // NOLINT(bugprone-use-after-move): it says so
  Multipart parts = multipart("both", "kept");
  EXPECT_FALSE(push.try_send_multipart(std::move(parts)));
  EXPECT_THAT(texts(parts), ElementsAre("both", "kept")); // NOLINT(bugprone-use-after-move)
  EXPECT_FALSE(pull.try_recv().has_value());
  EXPECT_FALSE(pull.try_recv_multipart().has_value());
  push.connect(pull.bind("inproc://here"));
  EXPECT_TRUE(push.try_send(std::move(message)));
  EXPECT_TRUE(push.try_send_multipart(std::move(parts)));
  EXPECT_EQ(pull.try_recv().value().text(), "kept");
  EXPECT_THAT(texts(pull.try_recv_multipart().value()), ElementsAre("both", "kept"));
}

// -- misuse ------------------------------------------------------------------------------------

TEST_F(SocketTest, req_and_rep_out_of_turn_are_told_so) {
  Socket rep(context, SocketType::rep), req(context, SocketType::req);
  req.connect(rep.bind("inproc://here"));
  EXPECT_THROW(rep.send("nobody asked"), std::system_error);
  req.send("question");
  try {
    req.send("another");
    FAIL();
  } catch (const std::system_error& error) {
    EXPECT_EQ(error.code(), Errc::wrong_state);
    EXPECT_THAT(error.what(),
                StartsWith("send on REQ inproc://here (send a request, then receive"));
  }
  EXPECT_EQ(rep.recv().text(), "question");
  rep.send("answer");
  EXPECT_EQ(req.recv().text(), "answer");
}

TEST_F(SocketTest, the_wrong_direction_is_told_so) {
  Socket pull(context, SocketType::pull), push(context, SocketType::push);
  EXPECT_THROW(pull.send("x"), std::system_error);
  EXPECT_THROW(static_cast<void>(push.recv()), std::system_error);
}

TEST_F(SocketTest, a_mandatory_router_refuses_who_it_does_not_know) {
  Socket router(context, SocketType::router);
  router.set(option::router_mandatory, true);
  router.bind("inproc://here");
  try {
    router.send_multipart({"stranger", "body"});
    FAIL();
  } catch (const std::system_error& error) {
    EXPECT_EQ(error.code(), std::errc::host_unreachable);
  }
  Socket dealer(context, SocketType::dealer);
  dealer.set(option::routing_id, "friend");
  dealer.connect("inproc://here");
  router.send_multipart({"friend", "body"});
  EXPECT_EQ(dealer.recv().text(), "body");
}

// libzmq would drop it without a word.
TEST_F(SocketTest, a_message_that_names_only_its_peer_is_refused) {
  Socket router(context, SocketType::router), dealer(context, SocketType::dealer);
  dealer.set(option::routing_id, "friend");
  dealer.connect(router.bind("inproc://here"));
  EXPECT_EQ(test::text_of<std::system_error>([&] { router.send("friend"); }),
            "send on ROUTER inproc://here (the first part names the peer, the message follows): "
            "Invalid argument");
  EXPECT_THROW(static_cast<void>(router.try_send("friend")), std::system_error);
  EXPECT_EQ(router.stats().sent, 0U);
  router.send_multipart({"friend", "body"});
  EXPECT_EQ(dealer.recv().text(), "body");
}

TEST_F(SocketTest, a_closed_or_moved_socket_says_so) {
  Socket pull(context, SocketType::pull);
  Socket moved = std::move(pull);
  EXPECT_TRUE(pull.closed()); // NOLINT(bugprone-use-after-move): it says so
  EXPECT_THROW(static_cast<void>(pull.recv()), Closed);
  EXPECT_FALSE(moved.closed());
  moved.close();
  moved.close();
  EXPECT_TRUE(moved.closed());
  EXPECT_EQ(moved.native_handle(), nullptr);
  EXPECT_THROW(static_cast<void>(moved.recv()), Closed);
  EXPECT_THROW(static_cast<void>(moved.try_recv()), Closed);
  EXPECT_THROW(moved.send("x"), Closed);
  EXPECT_THROW(moved.bind("inproc://here"), Closed);
  EXPECT_THROW(moved.set(option::linger, 0ms), Closed);
  EXPECT_THROW(static_cast<void>(moved.get(option::linger)), Closed);
}

// -- messages ------------------------------------------------------------------------------------

TEST(Message, holds_text_and_bytes) {
  EXPECT_TRUE(Message().empty());
  EXPECT_EQ(Message("text").text(), "text");
  EXPECT_EQ(Message(std::string("a\0b", 3)).size(), 3U);
  Message sized(5);
  std::ranges::fill(sized.mutable_bytes(), std::byte{'x'});
  EXPECT_EQ(sized.text(), "xxxxx");
  EXPECT_FALSE(sized.property("Peer-Address").has_value());
}

TEST(Message, moves_and_copies) {
  const std::string large(10'000, 'l');
  Message a(large);
  Message b = a.copy();
  Message c = std::move(a);
  EXPECT_TRUE(a.empty()); // NOLINT(bugprone-use-after-move): it says so
  EXPECT_EQ(b.text(), large);
  EXPECT_EQ(c.text(), large);
  EXPECT_EQ(b.bytes().data(), c.bytes().data()); // shared
  c = Message("small");
  EXPECT_EQ(c.text(), "small");
  EXPECT_EQ(b.text(), large);
}

TEST(Message, takes_a_buffer_over) {
  std::string large(10'000, 'l');
  const void* where = large.data();
  const Message message = Message::adopt(std::move(large));
  EXPECT_EQ(static_cast<const void*>(message.text().data()), where);
  EXPECT_TRUE(Message::adopt(std::string()).empty());
}

TEST_F(SocketTest, a_message_knows_whence_it_came) {
  Socket pull(context, SocketType::pull), push(context, SocketType::push);
  push.connect(pull.bind("tcp://127.0.0.1:*"));
  push.send("x");
  EXPECT_EQ(pull.recv().property("Peer-Address"), "127.0.0.1");
}

} // namespace
} // namespace grove::zmq
