// SPDX-License-Identifier: MIT
#include "session_cache.hpp"

#include <algorithm>
#include <utility>

namespace grove::tls::detail {

void SessionCache::put(const std::string& peer, SessionPtr session) {
  const std::lock_guard lock(mutex_);
  if (capacity_ == 0)
    return;
  if (entries_.size() == capacity_)
    entries_.pop_front();
  entries_.push_back({peer, std::move(session)});
}

SessionPtr SessionCache::take(const std::string& peer) {
  const std::lock_guard lock(mutex_);
  const auto newest = std::find_if(entries_.rbegin(), entries_.rend(),
                                   [&](const Entry& entry) { return entry.peer == peer; });
  if (newest == entries_.rend())
    return nullptr;
  SessionPtr session = std::move(newest->session);
  entries_.erase(std::next(newest).base());
  return SSL_SESSION_is_resumable(session.get()) == 1 ? std::move(session) : nullptr;
}

} // namespace grove::tls::detail
