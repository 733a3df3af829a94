// SPDX-License-Identifier: MIT
// The floor: a bare level-triggered epoll loop. Prints "port N".
#define _GNU_SOURCE
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "listen.h"

static char buffer[65536];

static void add(int poll, int fd) {
  struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
  epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event);
}

static void echo(int fd) {
  const ssize_t n = recv(fd, buffer, sizeof buffer, 0);
  if (n <= 0)
    close(fd);
  for (ssize_t sent = 0; sent < n;) {
    const ssize_t more = send(fd, buffer + sent, n - sent, MSG_NOSIGNAL);
    if (more > 0)
      sent += more;
  }
}

int main(void) {
  const int listener = listen_and_tell();
  const int poll = epoll_create1(0);
  add(poll, listener);
  struct epoll_event events[512];
  for (;;) {
    const int ready = epoll_wait(poll, events, 512, -1);
    for (int i = 0; i < ready; ++i) {
      if (events[i].data.fd != listener) {
        echo(events[i].data.fd);
        continue;
      }
      int fd;
      while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0)
        add(poll, no_delay(fd));
    }
  }
}
