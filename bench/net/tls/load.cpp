// SPDX-License-Identifier: MIT
// tls_load echo PORT PID CONNECTIONS SIZE SECONDS   so many bytes over TLS 1.3, and waits for them
//                                                   to come back; again
// tls_load idle PORT PID CONNECTIONS                the handshake and one message, then nothing
//
// PID is the server's, whose processor time and memory are read. Nothing but epoll and OpenSSL;
// prints "NAME FIGURE" lines.
#include <openssl/ssl.h>

#include <string_view>

#include "support/load.hpp"

namespace {

using bench::Clock;

SSL_CTX* context() {
  static SSL_CTX* const made = [] {
    SSL_CTX* fresh = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_min_proto_version(fresh, TLS1_3_VERSION);
    SSL_CTX_set_ciphersuites(fresh, "TLS_AES_128_GCM_SHA256");
    SSL_CTX_set_read_ahead(fresh, 1);
    return fresh;
  }();
  return made;
}

class Connection {
public:
  explicit Connection(std::uint16_t port) : fd_(bench::connect_to(port)), ssl_(SSL_new(context())) {
    SSL_set_fd(ssl_, fd_);
    if (SSL_connect(ssl_) != 1)
      bench::die("handshake");
  }
  [[nodiscard]] int fd() const { return fd_; }

  void send(std::string_view text) {
    missing_ = text.size();
    asked_ = Clock::now();
    if (SSL_write(ssl_, text.data(), static_cast<int>(text.size())) !=
        static_cast<int>(text.size()))
      bench::die("send");
  }
  // True when the whole of it has come back.
  bool receive(std::string& into) {
    const int size = SSL_read(ssl_, into.data(), static_cast<int>(missing_));
    if (size <= 0 && SSL_get_error(ssl_, size) != SSL_ERROR_WANT_READ)
      bench::die("receive");
    for (int i = 0; i < size; ++i) {
      if (into[static_cast<std::size_t>(i)] != 'x')
        bench::lost();
    }
    missing_ -= static_cast<std::size_t>(std::max(size, 0));
    return missing_ == 0;
  }
  [[nodiscard]] Clock::time_point asked() const { return asked_; }

private:
  int fd_;
  SSL* ssl_;
  std::size_t missing_ = 0;
  Clock::time_point asked_;
};

void echo(std::uint16_t port, const std::string& pid, std::size_t connections, std::size_t size,
          double seconds) {
  const std::string text(size, 'x');
  std::string answer(size, ' ');
  std::deque<Connection> all;
  const int poll = epoll_create1(EPOLL_CLOEXEC);
  for (std::size_t i = 0; i < connections; ++i) {
    Connection& one = all.emplace_back(port);
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = &one;
    epoll_ctl(poll, EPOLL_CTL_ADD, one.fd(), &event);
  }
  for (Connection& one : all)
    one.send(text);
  bench::Watch watch(pid, seconds);
  std::array<epoll_event, 512> events{};
  while (watch.goes_on()) {
    const int ready = epoll_wait(poll, events.data(), static_cast<int>(events.size()), 100);
    for (int i = 0; i < ready; ++i) {
      auto& one = *static_cast<Connection*>(events[static_cast<std::size_t>(i)].data.ptr);
      if (one.receive(answer)) {
        watch.add(Clock::now() - one.asked());
        one.send(text);
      }
    }
  }
  watch.print();
}

void visit(Connection& one) {
  std::string answer(64, ' ');
  one.send(std::string(answer.size(), 'x'));
  while (!one.receive(answer))
    std::this_thread::yield();
}

} // namespace

int main(int argc, char** argv) {
  bench::raise_limit();
  const std::string_view mode = argc > 1 ? argv[1] : "";
  const auto number = [argv](int i) { return std::strtoul(argv[i], nullptr, 10); };
  const auto port = static_cast<std::uint16_t>(argc > 2 ? number(2) : 0);
  if (mode == "echo" && argc == 7) {
    echo(port, argv[3], number(4), number(5), std::strtod(argv[6], nullptr));
  } else if (mode == "idle" && argc == 5) {
    bench::measure_idle<Connection>(port, argv[3], number(4), visit);
  } else {
    std::fputs("usage: tls_load echo PORT PID CONNECTIONS SIZE SECONDS\n"
               "       tls_load idle PORT PID CONNECTIONS\n",
               stderr);
    return 2;
  }
  return 0;
}
