// SPDX-License-Identifier: MIT
#include "redis.hpp"

#include <fmt/core.h>
#include <poll.h>

#include <cerrno>
#include <cstddef>
#include <new>

#include <grove/patch/patch.hpp>

namespace glb {

namespace {
constexpr int patience = 2; // seconds
}

Redis::Redis(const Settings& settings)
    : name_(fmt::format("redis {}:{}", settings.redis_host, settings.redis_port)),
      context_(
          redisConnectWithTimeout(settings.redis_host.c_str(), settings.redis_port, {patience, 0}),
          redisFree) {
  grove::patch::deliver();
  if (context_ == nullptr || context_->err != 0)
    fail();
  limit(patience);
  command({"SELECT", std::to_string(settings.redis_database)});
}

Redis::Reply Redis::command(const std::vector<std::string>& words) {
  std::vector<const char*> texts;
  std::vector<std::size_t> sizes;
  for (const std::string& word : words) {
    texts.push_back(word.data());
    sizes.push_back(word.size());
  }
  return take(
      redisCommandArgv(context_.get(), static_cast<int>(words.size()), texts.data(), sizes.data()));
}

bool Redis::is_quiet() const {
  pollfd one{context_->fd, POLLIN, 0};
  return poll(&one, 1, 0) == 0;
}

void Redis::subscribe(const std::string& channel) {
  command({"SUBSCRIBE", channel});
  limit(0);
  redisEnableKeepAlive(context_.get()); // the kernel notices a machine that went without a word
}

std::string Redis::next_message() {
  void* reply = nullptr;
  redisGetReply(context_.get(), &reply);
  const Reply message = take(reply); // "message", the channel, the text
  if (message->type != REDIS_REPLY_ARRAY || message->elements != 3)
    throw RedisError(name_ + ": that was no message");
  return {message->element[2]->str, message->element[2]->len};
}

Redis::Reply Redis::take(void* reply) const {
  Reply owned(static_cast<redisReply*>(reply), freeReplyObject);
  grove::patch::deliver(); // a kill has made it fail: here it is thrown
  if (owned == nullptr)
    fail();
  if (owned->type == REDIS_REPLY_ERROR)
    throw RedisError(name_ + ": " + owned->str);
  return owned;
}

// So many seconds for each answer; 0: any number.
void Redis::limit(int seconds) {
  if (redisSetTimeout(context_.get(), {seconds, 0}) != REDIS_OK)
    fail();
}

void Redis::fail() const {
  if (context_ == nullptr)
    throw std::bad_alloc();
  const bool too_late = context_->err == REDIS_ERR_IO && errno == EAGAIN; // as hiredis tells it
  throw RedisError(name_ + ": " + (too_late ? "no answer in time" : context_->errstr));
}

} // namespace glb
