// SPDX-License-Identifier: MIT
// net_load: drives a TCP echo server on this machine, with one thread and epoll, and prints
// "NAME FIGURE" lines: see usage(). PID is the server's, whose processor time and memory are read.
// Every reply is checked.
#include <string_view>

#include "support/load.hpp"

namespace {

using bench::Clock;

constexpr std::size_t message_size = 64;

struct Wire {
  static constexpr std::size_t request_size = message_size;
  static constexpr std::size_t reply_size = message_size;
  static void open(int) {}
  static void write(char* to, std::uint64_t number) {
    std::memset(to, 'x', message_size);
    std::memcpy(to, &number, sizeof number);
  }
  static std::uint64_t number_in(const char* reply) {
    std::uint64_t number = 0;
    std::memcpy(&number, reply, sizeof number);
    return number;
  }
};
using Connection = bench::EchoConnection<Wire>;

void connect(std::uint16_t port, const std::string& pid, double seconds) {
  bench::Watch watch(pid, seconds);
  const std::string message(message_size, 'x');
  std::array<char, message_size> reply{};
  while (watch.goes_on()) {
    const auto begin = Clock::now();
    const int fd = bench::connect_to(port);
    if (::send(fd, message.data(), message.size(), MSG_NOSIGNAL) != message_size ||
        ::recv(fd, reply.data(), reply.size(), MSG_WAITALL) != message_size) {
      bench::die("a message");
    }
    ::close(fd);
    watch.add(Clock::now() - begin);
  }
  watch.print();
}

void visit(Connection& one) {
  one.send(1);
  while (one.receive(nullptr) == 0)
    std::this_thread::yield();
}

int usage() {
  std::fputs("net_load echo PORT PID CONNECTIONS IN_FLIGHT SECONDS\n"
             "    64-byte messages, so many under way on each\n"
             "net_load connect PORT PID SECONDS\n"
             "    connects, one message, closes; again\n"
             "net_load idle PORT PID CONNECTIONS\n"
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
  if (mode == "echo" && argc == 7 && number(5) >= 1 && number(5) <= Connection::most_in_flight)
    bench::measure_echo<Wire>(port, argv[3], number(4), number(5), std::strtod(argv[6], nullptr));
  else if (mode == "connect" && argc == 5)
    connect(port, argv[3], std::strtod(argv[4], nullptr));
  else if (mode == "idle" && argc == 5)
    bench::measure_idle<Connection>(port, argv[3], number(4), visit);
  else
    return usage();
  return 0;
}
