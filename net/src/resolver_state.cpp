// SPDX-License-Identifier: MIT
// Who asks first begins a lookup; who asks meanwhile waits for the same one.
#include "resolver_state.hpp"

#include <pthread.h>

#include <algorithm>
#include <chrono>
#include <exception>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>

#include <grove/hub/async_result.hpp>
#include <grove/hub/exceptions.hpp>
#include <grove/hub/simulation.hpp>
#include <grove/hub/thread_pool.hpp>

#include "address_order.hpp"
#include "host_name.hpp"

namespace grove::net::detail {

namespace {

using Kind = Lookup::Kind;
using Reason = ResolveError::Reason;

// How long one family is waited for when the other has its addresses. A server that is silent about
// AAAA must not cost every connection the whole time limit.
constexpr std::chrono::milliseconds patience_for_second_family{500};

// How often this process, or what it was before, was a child. Sockets and waiters from before a
// fork are the parent's.
constinit unsigned forks = 0;
void watch_for_forks() {
  static const int once = pthread_atfork(nullptr, nullptr, [] { ++forks; });
  static_cast<void>(once);
}

const char* words_of(Reason reason) {
  switch (reason) {
  case Reason::no_such_name:
    return "no such name";
  case Reason::no_address:
    return "the name has no address";
  case Reason::refused:
    return "refused";
  case Reason::bad_name:
    return "no name";
  case Reason::bad_answer:
    return "a bad answer";
  case Reason::server_failed:
    break;
  }
  return "no server has answered";
}

[[noreturn]] void throw_failure(std::string_view name, Kind kind, const Answer& answer) {
  const Reason reason = *answer.failure;
  const char* words =
      kind == Kind::service && reason == Reason::no_address ? "no such service" : words_of(reason);
  throw ResolveError(reason, answer.asked.empty()
                                 ? fmt::format("resolve {}: {}", name, words)
                                 : fmt::format("resolve {}: {} ({})", name, words, answer.asked));
}

// -- the three ways to look up --------------------------------------------------------------------

// On the hub.
class GreenLookup final : public Lookup {
public:
  GreenLookup(NameServers& servers, Kind kind, std::vector<std::string> candidates,
              std::shared_ptr<Pending> pending)
      : Lookup(servers, kind, std::move(candidates)), pending_(std::move(pending)) {
    late_.lookup = this;
    late_.fire = [](grove::detail::Timer& timer) noexcept {
      static_cast<Late&>(timer).lookup->settle_for_some();
    };
  }
  ~GreenLookup() override { grove::detail::disarm(late_); }

private:
  struct Late : grove::detail::Timer {
    GreenLookup* lookup = nullptr;
  };
  void found_some() noexcept override {
    const std::chrono::nanoseconds patience = patience_for_second_family;
    if (!late_.armed())
      grove::detail::arm(late_, grove::detail::now_nanoseconds() + patience.count());
  }
  void found(Answer answer) noexcept override {
    grove::detail::disarm(late_);
    order_addresses(answer.addresses);
    pending_->finish(std::move(answer));
  }

  std::shared_ptr<Pending> pending_;
  Late late_;
};

// On a thread that may wait.
class BlockingLookup final : public Lookup {
public:
  using Lookup::Lookup;
  Answer take() { return std::move(answer_); }

private:
  void found(Answer answer) noexcept override {
    order_addresses(answer.addresses);
    answer_ = std::move(answer);
  }
  Answer answer_;
};

Answer look_up_blocking(const NameServerSettings& settings, Kind kind,
                        const std::vector<std::string>& names) {
  std::uint64_t questions = 0;
  NameServers servers(settings, AresChannel::Mode::blocking, questions);
  const auto lookup = std::make_shared<BlockingLookup>(servers, kind, names);
  lookup->begin();
  servers.run();
  return lookup->take();
}

// A job of the thread pool brings the answer.
class JobEnds final : public grove::detail::Sequel<Answer> {
public:
  explicit JobEnds(std::shared_ptr<Pending> pending) : pending_(std::move(pending)) {}
  void run(const std::exception_ptr& error, Answer* value) noexcept override {
    if (value != nullptr) {
      pending_->finish(std::move(*value));
      return;
    }
    Answer failed;
    failed.failure = Reason::server_failed;
    failed.asked = describe(error);
    pending_->finish(std::move(failed));
  }

private:
  std::shared_ptr<Pending> pending_;
};

template <class F>
void look_up_by_job(const std::shared_ptr<Pending>& pending, F job) {
  grove::detail::AsyncAccess::then(
      grove::detail::UnattachedJobs::submit(default_thread_pool(), std::move(job)),
      std::make_unique<JobEnds>(pending));
}

void check(const ResolverOptions& options) {
  const auto refuse = [](const char* what) {
    throw std::invalid_argument(fmt::format("grove: Resolver: {}", what));
  };
  for (const Address& server : options.servers) {
    if (!server.is_ip())
      refuse("a server that is no IP address");
  }
  if (options.timeout &&
      (options.timeout->count() <= 0 || *options.timeout > std::chrono::hours(24)))
    refuse("a timeout that is not positive, or above a day");
  if (options.tries && (*options.tries == 0 || *options.tries > 100))
    refuse("tries below 1 or above 100");
  if (options.max_ttl.count() < 0 || options.max_negative_ttl.count() < 0)
    refuse("a negative time to live");
}

} // namespace

// -- waiting --------------------------------------------------------------------------------------

const Answer& Pending::wait(std::string_view name, Deadline deadline) {
  if (over_)
    return answer_;
  const Hub::Attachment attachment = Hub::current().attach(); // it may be done by a thread
  grove::detail::Waiter waiter;
  waiters_.push_back(waiter);
  if (grove::detail::park_until("resolve", deadline) == grove::detail::Wake::timeout)
    throw TimeoutError(fmt::format("resolve {}: no answer in time", name));
  if (!over_)
    throw Closed(fmt::format("resolve {}: the resolver was destroyed", name));
  return answer_;
}

void Pending::finish(Answer answer) noexcept {
  if (resolver_ == nullptr)
    return; // nobody waits any more
  answer_ = std::move(answer);
  over_ = true;
  std::exchange(resolver_, nullptr)->has_finished(key_, answer_);
  waiters_.grant_all();
}

void Pending::forsake(bool wakes_waiters) noexcept {
  resolver_ = nullptr;
  if (wakes_waiters)
    waiters_.break_all();
}

// -- the resolver ---------------------------------------------------------------------------------

ResolverState::ResolverState(ResolverOptions options)
    : forks_((watch_for_forks(), forks)), options_(std::move(options)), hosts_(options_.hosts_file),
      cache_(options_.cache_size) {
  check(options_);
}

ResolverState::~ResolverState() {
  for (const auto& [key, pending] : under_way_)
    pending->forsake(forks_ == forks && home_.is_here());
}

void ResolverState::configure(ResolverOptions options) {
  home_check_("Resolver.configure");
  check(options);
  retire_servers();
  options_ = std::move(options);
  hosts_ = HostsFile(options_.hosts_file);
  cache_ = NameCache(options_.cache_size);
  ++configurations_;
}

std::string ResolverState::key_of(Kind kind, const std::string& name) const {
  return fmt::format("{} {} {}", configurations_, kind == Kind::host ? "host" : "service", name);
}

void ResolverState::begin_anew_after_fork() {
  for (const auto& [key, pending] : std::exchange(under_way_, {}))
    pending->forsake(false);
  servers_.reset();
  retired_.clear();
  forks_ = forks;
}

// Channels end outside of their own calls, and when nobody asks through them any more.
void ResolverState::retire_servers() {
  if (servers_ != nullptr)
    retired_.push_back(std::move(servers_));
  std::erase_if(retired_, [](const auto& servers) { return servers->idle(); });
}

NameServers& ResolverState::servers() {
  if (resolv_conf_.changed(options_.resolv_conf) || servers_ == nullptr) {
    retire_servers();
    servers_ = std::make_unique<NameServers>(name_server_settings(options_),
                                             AresChannel::Mode::green, counts_.questions);
  }
  return *servers_;
}

NameServers& ResolverState::servers_for(const std::string& name, Kind kind) {
  try {
    return servers();
  } catch (const std::runtime_error& error) { // no descriptor left to read resolv.conf with, say
    Answer failed;
    failed.failure = Reason::server_failed;
    failed.asked = error.what();
    throw_failure(name, kind, failed);
  }
}

Answer ResolverState::host(std::string_view given, Deadline deadline) {
  home_check_("Resolver.resolve");
  grove::detail::check_interrupts();
  ++counts_.calls;
  Answer known;
  if (const auto address = address_in(given)) {
    known.addresses = {*address};
    return known;
  }
  const std::string name = checked_host_name(given);
  if (options_.by == ResolverOptions::By::ares) {
    known.addresses = hosts_.find(without_dot(name));
    if (known.addresses.empty() && is_localhost(name))
      known.addresses = {Address::ip("::1", 0), Address::loopback()};
    if (!known.addresses.empty()) {
      order_addresses(known.addresses);
      return known;
    }
  }
  return look_up(Kind::host, name, given, deadline);
}

Answer ResolverState::service(std::string_view given, Deadline deadline) {
  home_check_("Resolver.resolve_srv");
  grove::detail::check_interrupts();
  ++counts_.calls;
  return look_up(Kind::service, checked_service_name(given), given, deadline);
}

Answer ResolverState::look_up(Kind kind, const std::string& name, std::string_view given,
                              Deadline deadline) {
  if (forks_ != forks)
    begin_anew_after_fork();
  std::string key = key_of(kind, name);
  Answer answer;
  if (const Answer* cached = cache_.find(key, grove::detail::now_nanoseconds())) {
    ++counts_.cached;
    answer = *cached;
  } else {
    std::shared_ptr<Pending> pending;
    if (const auto found = under_way_.find(key); found != under_way_.end()) {
      ++counts_.joined;
      pending = found->second;
    } else {
      ++counts_.lookups;
      pending = begin(kind, name, std::move(key));
    }
    answer = pending->wait(given, deadline);
  }
  if (answer.failure)
    throw_failure(given, kind, answer);
  return answer;
}

std::shared_ptr<Pending> ResolverState::begin(Kind kind, const std::string& name, std::string key) {
  auto pending = std::make_shared<Pending>(*this, key);
  if (kind == Kind::host && options_.by == ResolverOptions::By::threads) {
    look_up_by_job(pending, [name] { return ask_the_system(name); });
  } else {
    NameServers& all = servers_for(name, kind);
    const NameServerSettings& settings = all.settings();
    std::vector<std::string> names = kind == Kind::host
                                         ? candidates(name, settings.search, settings.ndots)
                                         : std::vector{std::string(without_dot(name))};
    if (Simulation::is_on()) {
      look_up_by_job(pending, [settings, kind, names = std::move(names)] {
        return look_up_blocking(settings, kind, names);
      });
    } else {
      std::make_shared<GreenLookup>(all, kind, std::move(names), pending)->begin();
    }
  }
  if (!pending->is_over())
    under_way_.emplace(std::move(key), pending);
  return pending;
}

void ResolverState::has_finished(const std::string& key, const Answer& answer) {
  const auto longest = answer.failure ? options_.max_negative_ttl : options_.max_ttl;
  const std::chrono::nanoseconds ttl = std::min(longest, std::chrono::seconds(answer.ttl));
  const bool is_current = key.starts_with(std::to_string(configurations_) + " ");
  if (ttl.count() != 0 && is_current)
    cache_.put(key, answer, grove::detail::now_nanoseconds() + ttl.count());
  under_way_.erase(key);
}

Resolver::Stats ResolverState::stats() const {
  Resolver::Stats all = counts_;
  all.under_way = under_way_.size();
  all.entries = cache_.size();
  return all;
}

} // namespace grove::net::detail
