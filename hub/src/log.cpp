// SPDX-License-Identifier: MIT
// The log sink, and stderr in its place.
#include <grove/hub/log.hpp>

#include <cstdio>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

namespace grove {

namespace {

struct Sinks {
  std::mutex mutex;
  std::shared_ptr<const LogSink> present;
};
Sinks& sinks() {
  static auto* const the = new Sinks; // a thread may have something to say after the statics
  return *the;
}

} // namespace

void detail::lock_log() { sinks().mutex.lock(); }
void detail::unlock_log() { sinks().mutex.unlock(); }

LogSink set_log_sink(LogSink sink) {
  auto next = sink ? std::make_shared<const LogSink>(std::move(sink)) : nullptr;
  Sinks& all = sinks();
  {
    const std::lock_guard lock(all.mutex);
    std::swap(all.present, next);
  }
  return next != nullptr ? *next : LogSink();
}

void detail::log(LogLevel level, std::string_view text) noexcept {
  try {
    Sinks& all = sinks();
    std::shared_ptr<const LogSink> sink;
    {
      const std::lock_guard lock(all.mutex);
      sink = all.present;
    }
    if (sink != nullptr) {
      (*sink)(level, text);
      return;
    }
    std::string line; // one write: lines of several threads do not mix
    line.reserve(text.size() + 8);
    line.append("grove: ").append(text).append("\n");
    std::fwrite(line.data(), 1, line.size(), stderr);
  } catch (...) { // a message that cannot be given is no reason to fail
  }
}

} // namespace grove
