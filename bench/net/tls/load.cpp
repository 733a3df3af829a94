// SPDX-License-Identifier: MIT
// tls_load PORT CONNECTIONS SIZE SECONDS: each connection sends so many bytes over TLS 1.3 and
// waits for them to come back, again and again. SECONDS 0: the connections are made, "idle" is
// printed, and they are held until standard input ends. Nothing but epoll and OpenSSL.
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "support/pin.hpp"

namespace {

using Clock = std::chrono::steady_clock;

struct Connection {
  SSL* ssl = nullptr;
  int fd = -1;
  std::size_t missing = 0; // of the answer
  Clock::time_point asked;
};

void must(bool ok, const char* what) {
  if (!ok) {
    std::perror(what);
    std::exit(1);
  }
}

Connection connected(SSL_CTX* context, int port) {
  Connection c;
  c.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  must(connect(c.fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0, "connect");
  const int on = 1;
  setsockopt(c.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  c.ssl = SSL_new(context);
  SSL_set_fd(c.ssl, c.fd);
  must(SSL_connect(c.ssl) == 1, "handshake");
  return c;
}

void ask(Connection& c, const std::string& text) {
  c.missing = text.size();
  c.asked = Clock::now();
  must(SSL_write(c.ssl, text.data(), static_cast<int>(text.size())) ==
           static_cast<int>(text.size()),
       "send");
}

} // namespace

int main(int argc, char** argv) {
  if (argc != 5)
    return 2;
  const int port = std::atoi(argv[1]);
  const auto count = std::strtoul(argv[2], nullptr, 10);
  const std::string text(std::strtoul(argv[3], nullptr, 10), 'x');
  const std::chrono::duration<double> seconds(std::atof(argv[4]));
  bench::pin_to(1);

  SSL_CTX* context = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
  SSL_CTX_set_ciphersuites(context, "TLS_AES_128_GCM_SHA256");
  SSL_CTX_set_read_ahead(context, 1);
  const auto begin = Clock::now();
  std::vector<Connection> all;
  for (std::size_t i = 0; i < count; ++i)
    all.push_back(connected(context, port));
  const std::chrono::duration<double> shaking = Clock::now() - begin;
  std::printf("handshakes_per_s %.0f\n", static_cast<double>(count) / shaking.count());
  if (seconds.count() <= 0) {
    std::puts("idle");
    std::fflush(stdout);
    while (std::getchar() != EOF) {
    }
    return 0;
  }

  const int loop = epoll_create1(EPOLL_CLOEXEC);
  for (Connection& c : all) {
    epoll_event event{EPOLLIN, {&c}};
    epoll_ctl(loop, EPOLL_CTL_ADD, c.fd, &event);
    ask(c, text);
  }
  const auto start = Clock::now();
  const auto finish = start + std::chrono::duration_cast<Clock::duration>(seconds);
  std::vector<float> times; // microseconds
  times.reserve(1 << 20);
  Clock::time_point now = start;
  std::string answer(text.size(), ' ');
  for (epoll_event events[256]; now < finish;) {
    const int ready = epoll_wait(loop, events, 256, 1000);
    now = Clock::now();
    for (int i = 0; i < ready; ++i) {
      Connection& c = *static_cast<Connection*>(events[i].data.ptr);
      const int size = SSL_read(c.ssl, answer.data(), static_cast<int>(c.missing));
      if (size <= 0) {
        must(SSL_get_error(c.ssl, size) == SSL_ERROR_WANT_READ, "receive");
        continue;
      }
      c.missing -= static_cast<std::size_t>(size);
      if (c.missing != 0)
        continue;
      times.push_back(std::chrono::duration<float, std::micro>(now - c.asked).count());
      ask(c, text);
    }
  }
  const std::chrono::duration<double> took = now - start;
  std::sort(times.begin(), times.end());
  must(!times.empty(), "nothing came back");
  const auto at = [&](double part) {
    return times[static_cast<std::size_t>(part * static_cast<double>(times.size() - 1))];
  };
  std::printf("requests %zu\nper_s %.0f\np50_us %.1f\np99_us %.1f\n", times.size(),
              static_cast<double>(times.size()) / took.count(), at(0.5), at(0.99));
}
