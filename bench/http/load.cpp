// SPDX-License-Identifier: MIT
// http_load: what wrk does not do, with one thread and epoll; prints "NAME FIGURE" lines: see
// usage(). PID is the server's, whose processor time and memory are read. Every reply is checked.
#include <string_view>

#include "support/load.hpp"

namespace {

constexpr std::size_t message_size = 64;

void say(int fd, std::string_view text) {
  if (::send(fd, text.data(), text.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(text.size()))
    bench::die("send");
}
// What comes up to the end of a head; no more is taken.
std::string head(int fd) {
  std::string text;
  char next = 0;
  while (!text.ends_with("\r\n\r\n")) {
    if (::recv(fd, &next, 1, 0) != 1)
      bench::die("recv");
    text += next;
  }
  return text;
}

// The message in a binary frame: from us masked (RFC 6455, 5.3), from the server not.
struct WebSocket {
  static constexpr std::size_t request_size = 2 + 4 + message_size;
  static constexpr std::size_t reply_size = 2 + message_size;
  static void open(int fd) {
    say(fd, "GET /echo HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
    if (!head(fd).starts_with("HTTP/1.1 101 "))
      bench::lost();
  }
  static void write(char* to, std::uint64_t number) {
    constexpr std::array<char, 6> front{'\x82', '\xc0', '\x12', '\x34', '\x56', '\x78'};
    std::array<char, message_size> message;
    message.fill('x');
    std::memcpy(message.data(), &number, sizeof number);
    to = std::copy(front.begin(), front.end(), to);
    for (std::size_t i = 0; i < message_size; ++i)
      to[i] = static_cast<char>(message[i] ^ front[2 + i % 4]);
  }
  static std::uint64_t number_in(const char* reply) {
    std::uint64_t number = 0;
    if (reply[0] != '\x82' || reply[1] != '\x40' || reply[reply_size - 1] != 'x')
      bench::lost();
    std::memcpy(&number, reply + 2, sizeof number);
    return number;
  }
};

void visit_socket(bench::EchoConnection<WebSocket>& one) {
  one.send(1);
  while (one.receive(nullptr) == 0)
    std::this_thread::yield();
}

struct Visitor {
  int fd;
  explicit Visitor(std::uint16_t port) : fd(bench::connect_to(port)) {}
};

void visit(const Visitor& one) {
  say(one.fd, "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
  const std::string text = head(one.fd);
  constexpr std::string_view length = "\r\nContent-Length: ";
  const auto at = text.find(length);
  if (at == std::string::npos)
    bench::lost();
  std::string body(std::strtoul(text.c_str() + at + length.size(), nullptr, 10), '\0');
  if (::recv(one.fd, body.data(), body.size(), MSG_WAITALL) != static_cast<ssize_t>(body.size()))
    bench::die("a body");
}

int usage() {
  std::fputs("http_load websocket PORT PID CONNECTIONS SECONDS\n"
             "    64-byte messages that are echoed, one under way on each\n"
             "http_load idle PORT PID CONNECTIONS\n"
             "    one request on each, then nothing\n"
             "http_load websocket_idle PORT PID CONNECTIONS\n"
             "    one message on each, then nothing\n",
             stderr);
  return 2;
}

} // namespace

int main(int argc, char** argv) {
  bench::raise_limit();
  const std::string_view mode = argc > 1 ? argv[1] : "";
  const auto number = [argv](int i) { return std::strtoul(argv[i], nullptr, 10); };
  const auto port = static_cast<std::uint16_t>(argc > 2 ? number(2) : 0);
  if (mode == "websocket" && argc == 6)
    bench::measure_echo<WebSocket>(port, argv[3], number(4), 1, std::strtod(argv[5], nullptr));
  else if (mode == "idle" && argc == 5)
    bench::measure_idle<Visitor>(port, argv[3], number(4), visit);
  else if (mode == "websocket_idle" && argc == 5)
    bench::measure_idle<bench::EchoConnection<WebSocket>>(port, argv[3], number(4), visit_socket);
  else
    return usage();
  return 0;
}
