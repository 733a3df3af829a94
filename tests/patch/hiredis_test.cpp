// SPDX-License-Identifier: MIT
// hiredis, as Debian has built it, with its blocking calls, against redis-server.
#include <hiredis/hiredis.h>

#include <memory>
#include <string>
#include <vector>

#include <grove/hub/group.hpp>
#include <grove/patch/patch.hpp>

#include "servers.hpp"

namespace grove::test {
namespace {

class Redis {
public:
  explicit Redis(int port) : context_(redisConnect("127.0.0.1", port)) {
    if (context_ == nullptr || context_->err != 0)
      throw std::runtime_error(context_ == nullptr ? "no memory" : context_->errstr);
  }
  Redis(const Redis&) = delete;
  Redis& operator=(const Redis&) = delete;
  ~Redis() { redisFree(context_); }

  template <class... Args>
  std::string operator()(const char* format, Args... args) {
    std::unique_ptr<redisReply, void (*)(void*)> reply(
        static_cast<redisReply*>(redisCommand(context_, format, args...)), freeReplyObject);
    patch::deliver();
    if (reply == nullptr)
      throw std::runtime_error(context_->errstr);
    if (reply->type == REDIS_REPLY_INTEGER)
      return std::to_string(reply->integer);
    if (reply->type == REDIS_REPLY_ARRAY)
      return reply->elements > 1 ? reply->element[1]->str : "";
    return reply->str == nullptr ? "" : reply->str;
  }
  redisContext* get() { return context_; }

private:
  redisContext* context_;
};

class HiredisTest : public HubTest {
protected:
  static bool is_there() { return find_program("redis-server").has_value(); }
};

int blocked_clients(Redis& redis) {
  const std::string info = redis("INFO clients");
  return std::stoi(info.substr(info.find("blocked_clients:") + 16));
}

TEST_F(HiredisTest, as_many_greenlets_of_one_hub_are_blocked_in_the_server_as_there_are) {
  GROVE_NEEDS_PROGRAM("redis-server");
  const RedisServer server;
  constexpr int crowd = 100;
  std::vector<std::string> got;
  scope([&](Group& group) {
    for (int i = 0; i < crowd; ++i) {
      group.spawn([&] {
        Redis redis(server.port);
        got.push_back(redis("BLPOP line 0"));
      });
    }
    // The server counts: all are in flight at one moment.
    Redis other(server.port);
    const Timeout limit(60s);
    while (blocked_clients(other) != crowd) {
    }
    EXPECT_TRUE(got.empty());
    for (int i = 0; i < crowd; ++i)
      other("RPUSH line %d", i);
  });
  EXPECT_EQ(got.size(), crowd);
}

TEST_F(HiredisTest, a_kill_makes_the_call_fail_and_is_thrown_behind_it) {
  GROVE_NEEDS_PROGRAM("redis-server");
  const RedisServer server;
  int error = 0;
  int freed = 0;
  auto waiting = spawn([&] {
    Redis redis(server.port);
    const Counted counted(freed);
    const AtExit look([&] { error = redis.get()->err; });
    redis("BLPOP line 0");
  });
  {
    Redis other(server.port);
    const Timeout limit(60s);
    while (blocked_clients(other) != 1) {
    }
  }
  waiting.kill();
  EXPECT_TRUE(waiting.killed());
  EXPECT_EQ(error, REDIS_ERR_IO);
  EXPECT_EQ(freed, 0);
}

TEST_F(HiredisTest, its_own_time_limit_still_holds) {
  GROVE_NEEDS_PROGRAM("redis-server");
  const RedisServer server;
  Redis redis(server.port);
  ASSERT_EQ(redisSetTimeout(redis.get(), {0, 20'000}), REDIS_OK);
  bool ran = false;
  auto other = spawn([&] { ran = true; });
  EXPECT_THROW(redis("BLPOP line 0"), std::runtime_error);
  EXPECT_EQ(redis.get()->err, REDIS_ERR_IO);
  EXPECT_TRUE(ran) << "others ran meanwhile";
}

} // namespace
} // namespace grove::test
