// SPDX-License-Identifier: MIT
// What patch_bench does, with hiredis' own asynchronous API on libev: as many connections, each
// with one GET under way. hiredis_async PORT CONNECTIONS COUNT
#include <hiredis/hiredis.h>

#include <hiredis/async.h>

#include <hiredis/adapters/libev.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "support/meter.hpp"
#include "support/pin.hpp"

namespace {

long long left;    // GETs of this round that are yet to be sent
long long waiting; // sent, and not answered

[[noreturn]] void fail(const char* what) {
  std::fprintf(stderr, "%s\n", what);
  std::_Exit(1);
}

void get(redisAsyncContext* context);

void answered(redisAsyncContext* context, void* reply, void*) {
  const auto* r = static_cast<redisReply*>(reply);
  if (r == nullptr || r->str == nullptr || std::strcmp(r->str, "value") != 0)
    fail("GET key");
  --waiting;
  if (left > 0)
    get(context);
  else if (waiting == 0)
    ev_break(EV_DEFAULT_ EVBREAK_ALL);
}

void get(redisAsyncContext* context) {
  --left;
  ++waiting;
  if (redisAsyncCommand(context, answered, nullptr, "GET key") != REDIS_OK)
    fail("redisAsyncCommand");
}

} // namespace

int main(int argc, char** argv) {
  if (argc != 4)
    fail("usage: hiredis_async PORT CONNECTIONS COUNT");
  const int port = std::atoi(argv[1]);
  const int connections = std::atoi(argv[2]);
  const long long each = std::atoll(argv[3]) / connections;
  bench::pin_to(1);
  redisContext* first = redisConnect("127.0.0.1", port);
  if (first == nullptr || first->err != 0)
    fail("no connection");
  freeReplyObject(redisCommand(first, "SET key value"));
  redisFree(first);
  const auto contexts =
      std::make_unique<redisAsyncContext*[]>(static_cast<std::size_t>(connections));
  for (int i = 0; i < connections; ++i) {
    contexts[static_cast<std::size_t>(i)] = redisAsyncConnect("127.0.0.1", port);
    redisLibevAttach(EV_DEFAULT_ contexts[static_cast<std::size_t>(i)]);
  }
  const auto round = [&](long long count) {
    left = count;
    for (int i = 0; i < connections; ++i)
      get(contexts[static_cast<std::size_t>(i)]);
    ev_run(EV_DEFAULT_ 0);
  };
  round(each / 10 * connections);
  const bench::Meter meter;
  round(each * connections);
  meter.print(each * connections);
  return 0;
}
