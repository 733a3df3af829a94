// SPDX-License-Identifier: MIT
// NameCache: answers that still hold.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <string>
#include <unordered_map>
#include <utility>

#include "dns_answer.hpp"

namespace grove::net::detail {

// Bounded: the one that was not used for longest makes room. Times are the hub's, in nanoseconds.
class NameCache {
public:
  explicit NameCache(std::size_t bound) : bound_(bound) {}

  // Null if there is none, or none any more. Good until the next call.
  const Answer* find(const std::string& key, std::int64_t now) {
    const auto found = by_key_.find(key);
    if (found == by_key_.end())
      return nullptr;
    const auto entry = found->second;
    if (entry->expires <= now) {
      by_key_.erase(found);
      entries_.erase(entry);
      return nullptr;
    }
    entries_.splice(entries_.begin(), entries_, entry);
    return &entry->answer;
  }
  void put(const std::string& key, Answer answer, std::int64_t expires) {
    if (bound_ == 0)
      return;
    if (const auto found = by_key_.find(key); found != by_key_.end()) {
      entries_.erase(found->second);
      by_key_.erase(found);
    } else if (entries_.size() == bound_) {
      by_key_.erase(entries_.back().key);
      entries_.pop_back();
    }
    entries_.push_front({key, std::move(answer), expires});
    by_key_.emplace(key, entries_.begin());
  }
  void clear() {
    by_key_.clear();
    entries_.clear();
  }
  std::size_t size() const { return entries_.size(); }

private:
  struct Entry {
    std::string key;
    Answer answer;
    std::int64_t expires;
  };
  std::size_t bound_;
  std::list<Entry> entries_; // the last used first
  std::unordered_map<std::string, std::list<Entry>::iterator> by_key_;
};

} // namespace grove::net::detail
