// SPDX-License-Identifier: MIT
// echo CHAIN KEY: an echo server over TLS on nothing but epoll and OpenSSL; prints "port N".
// As good as such a loop can be made: one recv(2) for each record, no second look after a short
// one.
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>

namespace {

struct Connection {
  SSL* ssl;
  int fd;
  bool shaken = false;
  unsigned events = EPOLLIN;
};

void must(bool ok, const char* what) {
  if (!ok) {
    std::perror(what);
    std::exit(1);
  }
}

int loop = -1;

void want(Connection& c, unsigned events) {
  if (c.events == events)
    return;
  c.events = events;
  epoll_event event{events, {&c}};
  epoll_ctl(loop, EPOLL_CTL_MOD, c.fd, &event);
}

void end(Connection* c) {
  SSL_free(c->ssl);
  close(c->fd);
  delete c;
}

// False if it is over.
bool go_on(Connection& c) {
  if (!c.shaken) {
    const int result = SSL_accept(c.ssl);
    if (result != 1) {
      const int error = SSL_get_error(c.ssl, result);
      want(c, error == SSL_ERROR_WANT_WRITE ? EPOLLOUT : EPOLLIN);
      return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE;
    }
    c.shaken = true;
    want(c, EPOLLIN);
  }
  char buffer[4096];
  do {
    const int size = SSL_read(c.ssl, buffer, sizeof buffer);
    if (size <= 0)
      return SSL_get_error(c.ssl, size) == SSL_ERROR_WANT_READ;
    if (SSL_write(c.ssl, buffer, size) != size) // so little finds room
      return false;
  } while (SSL_has_pending(c.ssl) != 0);
  return true;
}

} // namespace

int main(int argc, char** argv) {
  if (argc != 3)
    return 2;
  std::signal(SIGPIPE, SIG_IGN);
  SSL_CTX* context = SSL_CTX_new(TLS_server_method());
  must(SSL_CTX_use_certificate_chain_file(context, argv[1]) == 1, argv[1]);
  must(SSL_CTX_use_PrivateKey_file(context, argv[2], SSL_FILETYPE_PEM) == 1, argv[2]);
  SSL_CTX_set_ciphersuites(context, "TLS_AES_128_GCM_SHA256");
  SSL_CTX_set_read_ahead(context, 1);

  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  must(bind(listener, reinterpret_cast<sockaddr*>(&address), size) == 0, "bind");
  must(listen(listener, 4096) == 0, "listen");
  getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
  std::printf("port %d\n", ntohs(address.sin_port));
  std::fflush(stdout);

  loop = epoll_create1(EPOLL_CLOEXEC);
  epoll_event event{EPOLLIN, {nullptr}};
  epoll_ctl(loop, EPOLL_CTL_ADD, listener, &event);
  for (epoll_event events[256];;) {
    const int count = epoll_wait(loop, events, 256, -1);
    for (int i = 0; i < count; ++i) {
      auto* c = static_cast<Connection*>(events[i].data.ptr);
      if (c != nullptr) {
        if (!go_on(*c))
          end(c);
        continue;
      }
      const int fd = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd < 0)
        continue;
      const int on = 1;
      setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      c = new Connection{SSL_new(context), fd};
      SSL_set_fd(c->ssl, fd);
      epoll_event its{EPOLLIN, {c}};
      epoll_ctl(loop, EPOLL_CTL_ADD, fd, &its);
    }
  }
}
