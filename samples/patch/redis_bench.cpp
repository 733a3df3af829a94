// SPDX-License-Identifier: MIT
// A hundred greenlets of one thread, each with a blocking hiredis connection: patched, they wait
// for the server together.
#include <fmt/core.h>
#include <hiredis/hiredis.h>

#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>

#include <grove/hub.hpp>
#include <grove/patch/patch.hpp>

#include "../options.hpp"

namespace {

// A C client is wrapped as ever. What a kill has to do with it: see command().
class Redis {
public:
  Redis(const std::string& host, int port) : context_(redisConnect(host.c_str(), port), redisFree) {
    grove::patch::deliver();
    if (context_ == nullptr || context_->err != 0)
      throw std::runtime_error(fmt::format("connect {}:{}: {}", host, port,
                                           context_ == nullptr ? "no memory" : context_->errstr));
  }

  std::string command(const char* text) {
    const std::unique_ptr<redisReply, void (*)(void*)> reply(
        static_cast<redisReply*>(redisCommand(context_.get(), text)), freeReplyObject);
    grove::patch::deliver(); // a kill has made it fail: here it is thrown
    if (reply == nullptr)
      throw std::runtime_error(context_->errstr);
    return reply->str == nullptr ? "" : reply->str;
  }

private:
  std::unique_ptr<redisContext, void (*)(redisContext*)> context_;
};

struct Options {
  std::string host = "127.0.0.1";
  int port = 6379;
  int greenlets = 100;
  int requests = 100'000;
};

int run(int argc, char** argv) {
  Options options;
  CLI::App app{"GET requests to a Redis server, by many greenlets with a blocking client each."};
  app.add_option("--host", options.host, "of the server")->capture_default_str();
  app.add_option("--port", options.port, "of the server")->capture_default_str();
  app.add_option("--greenlets", options.greenlets, "how many, with a connection each")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  app.add_option("--requests", options.requests, "in all")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  if (const auto status = sample::parse(app, argc, argv))
    return *status;
  grove::patch::all();

  Redis(options.host, options.port).command("SET grove:key value");
  int left = options.requests;
  int answers = 0;
  const auto begin = std::chrono::steady_clock::now();
  grove::scope([&](grove::Group& group) {
    for (int i = 0; i < options.greenlets; ++i) {
      group.spawn([&] {
        Redis redis(options.host, options.port);
        for (; left > 0; ++answers) {
          --left;
          if (redis.command("GET grove:key") != "value")
            throw std::runtime_error("that was not the answer");
        }
      });
    }
  });
  const std::chrono::duration<double> time = std::chrono::steady_clock::now() - begin;
  fmt::print("redis_bench: {} answers to {} greenlets in {:.2f} s: {:.0f} a second\n", answers,
             options.greenlets, time.count(), answers / time.count());
  return 0;
}

} // namespace

int main(int argc, char** argv) { return grove::main(argc, argv, run); }
