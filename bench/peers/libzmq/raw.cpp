// SPDX-License-Identifier: MIT
// What zmq_bench does, with libzmq's own functions, which block, and a thread for each side.
// libzmq_raw push_pull|req_rep tcp|inproc SIZE COUNT
#include <zmq.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>

#include "support/meter.hpp"
#include "support/pin.hpp"

namespace {

void* context;

[[noreturn]] void fail(const char* what) {
  std::fprintf(stderr, "%s: %s\n", what, zmq_strerror(zmq_errno()));
  std::_Exit(1);
}
int check(int result, const char* what) {
  if (result < 0)
    fail(what);
  return result;
}

class Socket {
public:
  explicit Socket(int type) : handle(zmq_socket(context, type)) {
    if (handle == nullptr)
      fail("zmq_socket");
  }
  ~Socket() { zmq_close(handle); }
  std::string bind(const std::string& endpoint) {
    check(zmq_bind(handle, endpoint.c_str()), "zmq_bind");
    char last[256];
    std::size_t size = sizeof last;
    check(zmq_getsockopt(handle, ZMQ_LAST_ENDPOINT, last, &size), "ZMQ_LAST_ENDPOINT");
    return last;
  }
  void connect(const std::string& endpoint) {
    check(zmq_connect(handle, endpoint.c_str()), "zmq_connect");
  }
  void* handle;
};

struct Load {
  std::string transport;
  std::size_t size;
  std::int64_t count;
  std::string endpoint() const { return transport == "tcp" ? "tcp://127.0.0.1:*" : "inproc://x"; }
  std::int64_t warm_up() const { return count / 10; }
};

void put_number(std::string& body, std::int64_t number) {
  std::memcpy(body.data(), &number, sizeof number);
}
void expect_number(const void* data, std::size_t size, const Load& load, std::int64_t number) {
  std::int64_t have = -1;
  if (size == load.size)
    std::memcpy(&have, data, sizeof have);
  if (have != number) {
    std::fprintf(stderr, "message %lld is not what it should be\n", (long long)number);
    std::_Exit(1);
  }
}

void produce(const Load& load, const std::string& endpoint) {
  bench::pin_to(1);
  Socket push(ZMQ_PUSH);
  push.connect(endpoint);
  std::string body(load.size, 'x');
  for (std::int64_t i = 0; i < load.count; ++i) {
    put_number(body, i);
    check(zmq_send(push.handle, body.data(), body.size(), 0), "zmq_send");
  }
}

void push_pull(const Load& load) {
  Socket pull(ZMQ_PULL);
  const std::string endpoint = pull.bind(load.endpoint());
  std::thread producer(produce, load, endpoint);
  bench::pin_to(0); // and not the I/O thread, which there is by now
  zmq_msg_t message;
  zmq_msg_init(&message);
  const auto next = [&](std::int64_t i) {
    check(zmq_msg_recv(&message, pull.handle, 0), "zmq_msg_recv");
    expect_number(zmq_msg_data(&message), zmq_msg_size(&message), load, i);
  };
  next(0);
  const bench::Meter meter;
  for (std::int64_t i = 1; i < load.count; ++i)
    next(i);
  meter.print(load.count - 1);
  zmq_msg_close(&message);
  producer.join();
}

void reply(const Load& load, const std::string& endpoint) {
  bench::pin_to(1);
  Socket rep(ZMQ_REP);
  rep.connect(endpoint);
  zmq_msg_t message;
  zmq_msg_init(&message);
  for (std::int64_t i = load.warm_up() + load.count; i > 0; --i) {
    check(zmq_msg_recv(&message, rep.handle, 0), "zmq_msg_recv");
    check(zmq_msg_send(&message, rep.handle, 0), "zmq_msg_send");
  }
  zmq_msg_close(&message);
}

void req_rep(const Load& load) {
  Socket req(ZMQ_REQ);
  const std::string endpoint = req.bind(load.endpoint());
  std::thread replier(reply, load, endpoint);
  bench::pin_to(0);
  std::string body(load.size, 'x');
  std::string answer(load.size, ' ');
  const auto round_trip = [&](std::int64_t i) {
    put_number(body, i);
    check(zmq_send(req.handle, body.data(), body.size(), 0), "zmq_send");
    const int size = check(zmq_recv(req.handle, answer.data(), answer.size(), 0), "zmq_recv");
    expect_number(answer.data(), static_cast<std::size_t>(size), load, i);
  };
  for (std::int64_t i = 0; i < load.warm_up(); ++i)
    round_trip(i);
  const bench::Meter meter;
  for (std::int64_t i = 0; i < load.count; ++i)
    round_trip(i);
  meter.print(load.count);
  replier.join();
}

} // namespace

int main(int argc, char** argv) {
  const std::string row = argc == 5 ? argv[1] : "";
  context = zmq_ctx_new();
  if (row == "push_pull" || row == "req_rep") {
    const Load load{argv[2], std::strtoul(argv[3], nullptr, 10), std::atoll(argv[4])};
    (row == "push_pull" ? push_pull : req_rep)(load);
    zmq_ctx_term(context);
    return 0;
  }
  std::fputs("usage: libzmq_raw push_pull|req_rep tcp|inproc SIZE COUNT\n", stderr);
  return 2;
}
