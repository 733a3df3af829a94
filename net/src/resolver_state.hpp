// SPDX-License-Identifier: MIT
// What a Resolver is made of.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <grove/hub/detail/hub_life.hpp>
#include <grove/hub/detail/wait.hpp>

#include "hosts_file.hpp"
#include "lookup.hpp"
#include "name_cache.hpp"

namespace grove::net::detail {

// A lookup under way, and those who wait for it. Shared by them, by what does it, and, as long as
// it can be joined, by the resolver.
class Pending {
public:
  Pending(ResolverState& resolver, std::string key) : resolver_(&resolver), key_(std::move(key)) {}
  Pending(const Pending&) = delete;
  Pending& operator=(const Pending&) = delete;

  // `name` is for the errors: TimeoutError, Closed.
  const Answer& wait(std::string_view name, Deadline deadline);
  void finish(Answer answer) noexcept; // once; in the hub's poll, or before anybody waits
  bool is_over() const { return over_; }

  // The resolver goes. It wakes who waits, or it leaves them alone: in the child of a fork they are
  // no more.
  void forsake(bool wakes_waiters) noexcept;

private:
  ResolverState* resolver_; // null when it has gone
  const std::string key_;
  grove::detail::WaitList waiters_;
  Answer answer_;
  bool over_ = false;
};

class ResolverState {
public:
  explicit ResolverState(ResolverOptions options);
  ResolverState(const ResolverState&) = delete;
  ResolverState& operator=(const ResolverState&) = delete;
  ~ResolverState();

  Answer host(std::string_view given, Deadline deadline);
  Answer service(std::string_view given, Deadline deadline);
  void configure(ResolverOptions options);
  void clear_cache() { cache_.clear(); }
  Resolver::Stats stats() const;

private:
  friend class Pending;
  Answer look_up(Lookup::Kind kind, const std::string& name, std::string_view given,
                 Deadline deadline);
  std::shared_ptr<Pending> begin(Lookup::Kind kind, const std::string& name, std::string key);
  NameServers& servers();
  NameServers& servers_for(const std::string& name, Lookup::Kind kind); // or ResolveError
  void retire_servers();
  void begin_anew_after_fork();
  void has_finished(const std::string& key, const Answer& answer);
  std::string key_of(Lookup::Kind kind, const std::string& name) const;

  grove::detail::HomeCheck home_check_;
  grove::detail::HubLife home_;
  unsigned forks_;
  ResolverOptions options_;
  HostsFile hosts_;
  NameCache cache_;
  FileStamp resolv_conf_;
  Resolver::Stats counts_;
  std::uint64_t configurations_ = 0; // part of the keys: what began under another one is not joined
  std::unordered_map<std::string, std::shared_ptr<Pending>> under_way_; // by key
  std::unique_ptr<NameServers> servers_;                                // made when first asked
  std::vector<std::unique_ptr<NameServers>> retired_; // that still have questions under way
};

// By getaddrinfo(3), which waits: for a thread without a hub.
Answer ask_the_system(const std::string& name);

} // namespace grove::net::detail
