// SPDX-License-Identifier: MIT
// patch_bench PORT GREENLETS COUNT: so many greenlets of one hub, each with a blocking hiredis of
// its own, GET a key COUNT times in all. bench/peers/hiredis does the same with hiredis' async API.
#include <hiredis/hiredis.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <string_view>
#include <vector>

#include <grove/hub/group.hpp>
#include <grove/hub/main.hpp>
#include <grove/patch/patch.hpp>

#include "support/meter.hpp"
#include "support/pin.hpp"

namespace {

using Context = std::unique_ptr<redisContext, void (*)(redisContext*)>;

void check(redisContext* context, std::string_view wanted, const char* command) {
  const std::unique_ptr<redisReply, void (*)(void*)> reply(
      static_cast<redisReply*>(redisCommand(context, command)), freeReplyObject);
  if (reply == nullptr || reply->str == nullptr || reply->str != wanted)
    throw std::runtime_error(command);
}

int run(int argc, char** argv) {
  if (argc != 4)
    throw std::runtime_error("usage: patch_bench PORT GREENLETS COUNT");
  const int port = std::atoi(argv[1]);
  const int greenlets = std::atoi(argv[2]);
  const std::int64_t each = std::atoll(argv[3]) / greenlets;
  grove::patch::all();
  bench::pin_to(1);
  std::vector<Context> contexts;
  for (int i = 0; i < greenlets; ++i) {
    contexts.emplace_back(redisConnect("127.0.0.1", port), redisFree);
    if (contexts.back() == nullptr || contexts.back()->err != 0)
      throw std::runtime_error("no connection");
  }
  check(contexts.front().get(), "OK", "SET key value");
  const auto get = [&](std::int64_t count) {
    grove::scope([&](grove::Group& group) {
      for (const Context& context : contexts) {
        group.spawn([&, count] {
          for (std::int64_t i = 0; i < count; ++i)
            check(context.get(), "value", "GET key");
        });
      }
    });
  };
  get(each / 10);
  const bench::Meter meter;
  get(each);
  meter.print(each * greenlets);
  return 0;
}

} // namespace

int main(int argc, char** argv) { return grove::main(argc, argv, run); }
