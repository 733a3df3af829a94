// SPDX-License-Identifier: MIT
// libuv: uv_read_start(), and uv_try_write() before uv_write(). Prints "port N".
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "listen.h"

static char buffer[65536];

static void give(uv_handle_t* handle, size_t wanted, uv_buf_t* into) {
  (void)handle;
  (void)wanted;
  *into = uv_buf_init(buffer, sizeof buffer);
}
static void gone(uv_handle_t* handle) { free(handle); }
static void written(uv_write_t* request, int status) {
  (void)status;
  free(request->data);
  free(request);
}

static void echo(uv_stream_t* stream, ssize_t n, const uv_buf_t* from) {
  if (n < 0) {
    uv_close((uv_handle_t*)stream, gone);
    return;
  }
  if (n == 0)
    return;
  uv_buf_t data = uv_buf_init(from->base, (unsigned)n);
  int sent = uv_try_write(stream, &data, 1);
  if (sent == n)
    return;
  if (sent < 0)
    sent = 0;
  char* const rest = malloc((size_t)(n - sent));
  memcpy(rest, from->base + sent, (size_t)(n - sent));
  uv_write_t* const request = malloc(sizeof *request);
  request->data = rest;
  data = uv_buf_init(rest, (unsigned)(n - sent));
  uv_write(request, stream, &data, 1, written);
}

static void connected(uv_stream_t* listener, int status) {
  (void)status;
  uv_tcp_t* const client = malloc(sizeof *client);
  uv_tcp_init(listener->loop, client);
  if (uv_accept(listener, (uv_stream_t*)client) == 0) {
    uv_tcp_nodelay(client, 1);
    uv_read_start((uv_stream_t*)client, give, echo);
  }
}

int main(void) {
  raise_limit();
  uv_loop_t* const loop = uv_default_loop();
  uv_tcp_t listener;
  struct sockaddr_in address;
  uv_tcp_init(loop, &listener);
  uv_ip4_addr("127.0.0.1", 0, &address);
  uv_tcp_bind(&listener, (const struct sockaddr*)&address, 0);
  if (uv_listen((uv_stream_t*)&listener, 4096, connected) != 0) {
    perror("listen");
    return 1;
  }
  uv_os_fd_t fd;
  uv_fileno((uv_handle_t*)&listener, &fd);
  tell(fd);
  return uv_run(loop, UV_RUN_DEFAULT);
}
