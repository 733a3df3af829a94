// SPDX-License-Identifier: MIT
#include "session_cache.hpp"

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
  for (auto it = entries_.end(); it != entries_.begin();) {
    if ((--it)->peer != peer)
      continue;
    SessionPtr session = std::move(it->session);
    it = entries_.erase(it);
    if (SSL_SESSION_is_resumable(session.get()) == 1) // OpenSSL may have revoked it
      return session;
  }
  return nullptr;
}

} // namespace grove::tls::detail
