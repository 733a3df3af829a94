// SPDX-License-Identifier: MIT
// WebSockets: our client against our server, and bytes against each.
#include "websocket_fixture.hpp"

namespace grove::test {
namespace {

TEST_F(WebSocketTest, messages_go_both_ways) {
  serve(echo);
  WebSocket socket = connect();
  for (const unsigned size : {0U, 1U, 125U, 126U, 127U, 65535U, 65536U, 500'000U}) {
    const std::string data(size, 'x');
    socket.send_text(data);
    const auto text = socket.recv(20s);
    ASSERT_TRUE(text);
    EXPECT_TRUE(text->is_text);
    EXPECT_EQ(text->data, data);
    socket.send_binary(data + "\xff");
    EXPECT_EQ(socket.recv(20s)->data, data + "\xff");
  }
  EXPECT_TRUE(socket.is_open());
  socket.close(1000, "done");
  EXPECT_FALSE(socket.is_open());
  EXPECT_EQ(socket.close_code(), 1000);
  EXPECT_FALSE(socket.recv());
  EXPECT_THROW(socket.send_text("late"), Closed);
}

TEST_F(WebSocketTest, the_handshake_is_that_of_the_rfc) {
  serve(echo);
  auto socket = raw();
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 101 Switching Protocols\r\n"));
  EXPECT_THAT(answer, HasSubstr("Upgrade: websocket\r\n"));
  EXPECT_THAT(answer, HasSubstr("Connection: Upgrade\r\n"));
  EXPECT_THAT(answer, HasSubstr("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"));
  socket.send_all(goodbye);
  EXPECT_EQ(read_all(socket), closing(1000));
}

TEST_F(WebSocketTest, a_request_that_is_none_is_refused) {
  serve(echo);
  const auto reply = [&](std::string_view fields, std::string_view method = "GET") {
    auto socket = dial();
    socket.send_all(std::string(method) + " / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" +
                    std::string(fields) + "\r\n");
    return read_all(socket);
  };
  const auto status = [&](std::string_view fields, std::string_view method = "GET") {
    return reply(fields, method).substr(9, 3);
  };
  const std::string key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
  const std::string upgrade = "Upgrade: websocket\r\nConnection: Upgrade\r\n";
  const std::string version = "Sec-WebSocket-Version: 13\r\n";
  EXPECT_EQ(status(""), "400");
  EXPECT_EQ(status(upgrade + version), "400");
  EXPECT_EQ(status(upgrade + version + "Sec-WebSocket-Key: short\r\n"), "400");
  const std::string old = reply(upgrade + key + "Sec-WebSocket-Version: 8\r\n");
  EXPECT_THAT(old, StartsWith("HTTP/1.1 426"));
  EXPECT_THAT(old, HasSubstr("\r\nSec-WebSocket-Version: 13\r\n"));
  EXPECT_EQ(status(upgrade + key + version, "POST"), "400");
  EXPECT_EQ(status("Connection: Upgrade\r\n" + key + version), "400");
}

// RFC 6455 10.2
TEST_F(WebSocketTest, only_pages_that_are_let_in_get_in) {
  WebSocketOptions options;
  serve(echo);
  raw("Origin: http://x\r\n").close();
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 101"));
  raw("Origin: http://evil\r\n").close();
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 403"));
  raw("Origin: null\r\n").close();
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 403"));
  options.origins = {"https://page"};
  serve(echo, options);
  raw("Origin: https://page\r\n").close();
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 101"));
  raw("Origin: http://x\r\n").close();
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 403"));
}

TEST_F(WebSocketTest, the_best_sub_protocol_is_chosen) {
  WebSocketOptions options;
  options.protocols = {"b", "a"};
  serve([](WebSocket& socket) { socket.send_text(std::string(socket.protocol())); }, options);
  WebSocketOptions ours;
  ours.protocols = {"a", "b", "c"};
  WebSocket socket = connect(ours);
  EXPECT_EQ(socket.protocol(), "b");
  EXPECT_EQ(socket.recv(20s)->data, "b");
  WebSocket none = connect();
  EXPECT_EQ(none.protocol(), "");
}

// RFC 6455 5.1 to 5.5, 7.4, 8.1; reliability 33
TEST_F(WebSocketTest, broken_frames_close_the_connection_with_their_code) {
  serve(echo);
  EXPECT_EQ(talk(frame(0x81, "hello", false)), closing(1002));         // not masked
  EXPECT_EQ(talk(frame(0xc1, "hello")), closing(1002));                // a reserved bit
  EXPECT_EQ(talk(frame(0x83, "hello")), closing(1002));                // a reserved opcode
  EXPECT_EQ(talk(frame(0x80, "hello")), closing(1002));                // continues nothing
  EXPECT_EQ(talk(frame(0x01, "a") + frame(0x81, "b")), closing(1002)); // within a message
  EXPECT_EQ(talk(frame(0x09, "part")), closing(1002));                 // a ping in fragments
  EXPECT_EQ(talk(frame(0x89, std::string(126, 'x'))), closing(1002));
  EXPECT_EQ(talk(frame(0x81, "\xff")), closing(1007));
  EXPECT_EQ(talk(frame(0x01, "\xe4") + frame(0x80, "a")), closing(1007));
  EXPECT_EQ(talk(frame(0x88, "x")), closing(1002));                        // half a code
  EXPECT_EQ(talk(frame(0x88, std::string("\x03\xed", 2))), closing(1002)); // 1005
  EXPECT_EQ(talk(frame(0x88, std::string("\x03\xe8\xff", 3))), closing(1007));
  const std::string huge("\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff\0\0\0\0", 14);
  EXPECT_EQ(talk(huge), closing(1009)); // 2^63 bytes are never asked for
}

TEST_F(WebSocketTest, a_reason_that_comes_in_pieces_is_checked_too) {
  serve(echo);
  net::StreamSocket socket = raw();
  const std::string all = frame(0x88, "\x03\xe8h\xee`");
  socket.send_all(all.substr(0, all.size() - 2));
  settle();
  socket.send_all(all.substr(all.size() - 2));
  EXPECT_EQ(read_all(socket), closing(1007));
}

// RFC 6455 7.1.1: bytes that nobody reads would reset the connection, and the close be lost.
TEST_F(WebSocketTest, a_peer_that_still_sends_sees_what_it_did_wrong) {
  serve(echo);
  net::StreamSocket socket = raw();
  const auto sent = socket.try_send(frame(0x83, "reserved") + std::string(1024 * 1024, 'x'));
  ASSERT_GT(sent.value(), 100'000); // more than is received in one go
  EXPECT_EQ(read_all(socket), closing(1002));
}

TEST_F(WebSocketTest, control_frames_come_between_fragments) {
  serve(echo);
  EXPECT_EQ(talk(frame(0x01, "hel") + frame(0x89, "ping") + frame(0x80, "lo") + goodbye),
            frame(0x8a, "ping", false) + frame(0x81, "hello", false) + closing(1000));
}

TEST_F(WebSocketTest, limits_hold) {
  WebSocketOptions options;
  options.max_message = 100;
  options.max_fragments = 10;
  serve(echo, options);
  const std::string data(60, 'x');
  EXPECT_EQ(talk(frame(0x02, data) + frame(0x80, data)), closing(1009));
  std::string flood = frame(0x02, "");
  for (int i = 0; i < 20; ++i)
    flood += frame(0x00, "");
  EXPECT_EQ(talk(flood), closing(1008));
}

TEST_F(WebSocketTest, a_handler_that_throws_closes_with_1011) {
  serve([](WebSocket&) { throw std::runtime_error("oops"); });
  const ErrorLog errors;
  WebSocket socket = connect();
  EXPECT_FALSE(socket.recv(20s));
  EXPECT_EQ(socket.close_code(), 1011);
  EXPECT_TRUE(server->stop(20s));
  EXPECT_EQ(errors.size(), 1);
}

TEST_F(WebSocketTest, a_client_that_just_goes_is_1006) {
  std::uint16_t code = 0;
  Event done;
  serve([&](WebSocket& socket) {
    while (socket.recv()) {
    }
    code = socket.close_code();
    done.set();
  });
  raw().close();
  EXPECT_TRUE(done.wait(20s));
  EXPECT_EQ(code, 1006);
}

// RFC 7692; reliability 33
TEST_F(WebSocketTest, messages_may_be_deflated) {
  WebSocketOptions options;
  options.deflate = true;
  options.max_message = 100'000;
  serve(echo, options);
  WebSocket socket = connect(options);
  for (const unsigned size : {0U, 1U, 1000U, 99'999U}) {
    const std::string data(size, 'x');
    socket.send_text(data);
    EXPECT_EQ(socket.recv(20s)->data, data);
  }
  socket.close();
  WebSocket plain = connect();
  plain.send_text("plain");
  EXPECT_EQ(plain.recv(20s)->data, "plain");
  plain.close();

  options.max_message = 200'000;
  WebSocket bomb = connect(options);
  bomb.send_binary(std::string(150'000, '\0')); // some hundred bytes on the wire
  EXPECT_FALSE(bomb.recv(20s));
  EXPECT_EQ(bomb.close_code(), 1009);
}

// RFC 7692 7.1.2
TEST_F(WebSocketTest, windows_may_be_smaller) {
  std::string data;
  for (int i = 0; i < 20'000; ++i)
    data += std::to_string(i * i % 977);
  for (const int bits : {8, 9, 12, 15}) {
    WebSocketOptions options;
    options.deflate = true;
    options.deflate_window_bits = bits;
    serve(echo, options);
    for (const int ours : {8, 10, 15}) {
      options.deflate_window_bits = ours;
      WebSocket socket = connect(options);
      socket.send_text(data);
      EXPECT_EQ(socket.recv(20s)->data, data) << bits << " and " << ours;
      socket.close();
      EXPECT_EQ(socket.close_code(), 1000);
    }
  }
  WebSocketOptions none;
  none.deflate_window_bits = 16;
  EXPECT_THROW(connect(none), std::invalid_argument);
}

TEST_F(WebSocketTest, the_rest_of_a_handshake_is_the_first_frame) {
  serve(echo);
  net::StreamSocket socket = dial();
  socket.send_all("GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                  "Sec-WebSocket-Version: 13\r\n"
                  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n" +
                  frame(0x81, "early") + goodbye);
  EXPECT_THAT(read_all(socket), HasSubstr("\r\n\r\n" + frame(0x81, "early", false)));
}

TEST_F(WebSocketTest, a_server_that_refuses_is_an_error_with_its_status) {
  server =
      std::make_unique<http::Server>(net::Address::loopback(), [](Request& request) -> Response {
        if (request.path() == "/no")
          throw Error(403, "no");
        return {"no WebSocket"};
      });
  server->start();
  const auto status = [&](std::string_view target) -> unsigned {
    try {
      http::connect_websocket(std::make_unique<net::StreamSocket>(dial()), "x", target);
    } catch (const Error& error) {
      return error.status();
    }
    return 0;
  };
  EXPECT_EQ(status("/no"), 403);
  EXPECT_EQ(status("/"), 200);
}

TEST_F(WebSocketTest, what_must_not_be_sent_is_refused) {
  serve(echo);
  WebSocket socket = connect();
  EXPECT_THROW(socket.send_text("\xff"), std::invalid_argument);
  EXPECT_THROW(socket.ping(std::string(126, 'x')), std::invalid_argument);
  EXPECT_THROW(socket.close(1005), std::invalid_argument);
  EXPECT_THROW(socket.close(999), std::invalid_argument);
  EXPECT_THROW(socket.close(1000, std::string(124, 'x')), std::invalid_argument);
  socket.ping("alive?");
  socket.close(4000, "mine");
  EXPECT_EQ(socket.close_code(), 4000);
  EXPECT_EQ(socket.close_reason(), "mine");
}

} // namespace
} // namespace grove::test
