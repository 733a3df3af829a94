// SPDX-License-Identifier: MIT
// SessionCache: what a client remembers of the servers that it has talked to.
#pragma once

#include <cstddef>
#include <deque>
#include <mutex>
#include <string>

#include "openssl.hpp"

namespace grove::tls::detail {

// Holds so many sessions; the oldest goes first. Any thread.
class SessionCache {
public:
  explicit SessionCache(std::size_t capacity) : capacity_(capacity) {}

  void put(const std::string& peer, SessionPtr session);
  // The newest with that peer, which is nobody else's from now on: a ticket that is used twice lets
  // who listens tell that it was the same client (RFC 8446, C.4). Null if there is none.
  SessionPtr take(const std::string& peer);

private:
  struct Entry {
    std::string peer;
    SessionPtr session;
  };
  std::size_t capacity_;
  std::mutex mutex_;
  std::deque<Entry> entries_;
};

} // namespace grove::tls::detail
