// SPDX-License-Identifier: MIT
// WebSockets: in what order and when messages leave, who waits, and silence.
#include "../support/memory_stream.hpp"
#include "websocket_core.hpp"
#include "websocket_fixture.hpp"

namespace grove::test {
namespace {

class WebSocketFlowTest : public WebSocketTest {};

TEST_F(WebSocketFlowTest, one_receives_while_others_send) {
  constexpr int count = 200;
  serve(echo);
  WebSocket socket = connect();
  std::vector<GreenletRef<>> senders;
  senders.reserve(count);
  for (int i = 0; i < count; ++i)
    senders.push_back(spawn([&socket, i] { socket.send_text(std::to_string(i)); }));
  std::vector<bool> seen(count);
  for (int i = 0; i < count; ++i)
    seen.at(static_cast<std::size_t>(std::stoi(socket.recv(20s)->data))) = true;
  EXPECT_THAT(seen, testing::Each(true));
  for (const auto& sender : senders)
    sender.get();
  socket.close();
}

TEST_F(WebSocketFlowTest, silence_is_asked_and_then_ended) {
  WebSocketOptions options;
  options.ping = 10ms;
  options.dead = 30ms;
  Event done;
  serve(
      [&](WebSocket& socket) {
        EXPECT_FALSE(socket.recv());
        EXPECT_EQ(socket.close_code(), 1006);
        done.set();
      },
      options);
  auto deaf = raw();
  EXPECT_EQ(read_all(deaf), frame(0x89, "", false));
  EXPECT_TRUE(done.wait(20s));

  options.dead = 1s;
  serve(echo, options); // who answers lives
  WebSocket socket = connect();
  EXPECT_THROW(socket.recv(1500ms), TimeoutError);
  socket.send_text("still there");
  EXPECT_EQ(socket.recv(20s)->data, "still there");
  socket.close();
}

TEST_F(WebSocketFlowTest, nobody_is_given_up_while_nobody_listens) {
  WebSocketOptions options;
  options.ping = 10ms;
  options.dead = 30ms;
  serve(
      [](WebSocket& socket) {
        sleep(200ms);
        socket.send_text(socket.recv().value().data);
      },
      options);
  auto quiet = raw(); // answers no ping
  quiet.send_all(frame(0x81, "hello"));
  const std::string all = read_all(quiet);
  EXPECT_THAT(all, StartsWith(frame(0x81, "hello", false)));
}

TEST_F(WebSocketFlowTest, a_peer_that_takes_its_time_with_a_long_message_lives) {
  WebSocketOptions options;
  options.ping = 10ms;
  options.dead = 30ms;
  options.send_queue = 64 * 1024 * 1024;
  const std::string data(16 * 1024 * 1024, 'x'); // more than the kernel takes
  serve(
      [&](WebSocket& socket) {
        socket.send_binary(data);
        socket.recv();
      },
      options);
  auto slow = raw();
  sleep(200ms);
  std::string all(data.size() + 10, '\0');
  slow.recv_exactly(all, 20s);
  EXPECT_TRUE(all.ends_with(std::string_view(data).substr(10)));
}

TEST_F(WebSocketFlowTest, senders_wait_while_the_line_is_full) {
  WebSocketOptions options;
  options.send_queue = 10'000;
  int sent = 0;
  Event full;
  serve(
      [&](WebSocket& socket) {
        try {
          for (; sent < 1000; ++sent)
            socket.send_binary(std::string(10'000, 'x'), 100ms);
        } catch (const TimeoutError&) {
          full.set();
        }
        while (socket.recv()) {
        }
      },
      options);
  WebSocket socket = connect();
  ASSERT_TRUE(full.wait(20s)); // the kernel's buffers and the line are
  const int before = sent;
  EXPECT_LT(before, 1000);
  for (int i = 0; i < before; ++i)
    ASSERT_EQ(socket.recv(20s)->data.size(), 10'000);
  socket.close();
}

// At once, in the line, in pieces: whatever way each goes.
TEST_F(WebSocketFlowTest, messages_keep_their_order) {
  constexpr unsigned count = 3000;
  const auto text = [](unsigned i) {
    return std::to_string(i) + ' ' + std::string(i % 10 == 0 ? i * 20 : i % 50, 'x');
  };
  serve([&](WebSocket& socket) {
    for (unsigned i = 0; i < count; ++i) {
      socket.send_text(text(i));
      if (i % 3 == 0)
        yield();
    }
    socket.recv();
  });
  WebSocket socket = connect();
  for (unsigned i = 0; i < count; ++i)
    ASSERT_EQ(socket.recv(20s)->data, text(i));
  socket.close();
}

TEST_F(WebSocketFlowTest, answers_to_what_came_together_leave_together) {
  MemoryStream stream(frame(0x81, "a") + frame(0x89, "b") + frame(0x82, "c") + goodbye);
  WebSocket socket(
      std::make_unique<http::detail::WebSocketCore>(http::detail::Side::server, stream, nullptr, "",
                                                    http::detail::Agreement{}, WebSocketOptions{}));
  echo(socket);
  socket.close();
  EXPECT_EQ(stream.sent, frame(0x81, "a", false) + frame(0x8a, "b", false) +
                             frame(0x82, "c", false) + closing(1000));
  EXPECT_EQ(stream.writes, 1);
}

TEST_F(WebSocketFlowTest, a_kill_at_recv_loses_nothing) {
  serve(echo);
  WebSocket socket = connect();
  const auto reader = spawn([&] { socket.recv(); });
  settle();
  EXPECT_THROW(socket.recv(), std::logic_error); // one at a time
  reader.kill();
  socket.send_text("hello");
  EXPECT_EQ(socket.recv(20s)->data, "hello");
  socket.close();
}
} // namespace
} // namespace grove::test
