// SPDX-License-Identifier: MIT
// Callbacks on libev, without anything around them. Prints "port N".
#define _GNU_SOURCE
#include <ev.h>
#include <stdlib.h>
#include <unistd.h>

#include "listen.h"

static char buffer[65536];

static void echo(struct ev_loop* loop, ev_io* io, int events) {
  (void)events;
  const ssize_t n = recv(io->fd, buffer, sizeof buffer, 0);
  if (n <= 0) {
    ev_io_stop(loop, io);
    close(io->fd);
    free(io);
    return;
  }
  for (ssize_t sent = 0; sent < n;) {
    const ssize_t more = send(io->fd, buffer + sent, n - sent, MSG_NOSIGNAL);
    if (more > 0)
      sent += more;
  }
}

static void accept_all(struct ev_loop* loop, ev_io* listener, int events) {
  (void)events;
  int fd;
  while ((fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
    ev_io* const io = malloc(sizeof *io);
    ev_io_init(io, echo, no_delay(fd), EV_READ);
    ev_io_start(loop, io);
  }
}

int main(void) {
  ev_io listener;
  ev_io_init(&listener, accept_all, listen_and_tell(), EV_READ);
  struct ev_loop* const loop = ev_default_loop(EVBACKEND_EPOLL);
  ev_io_start(loop, &listener);
  ev_run(loop, 0);
}
