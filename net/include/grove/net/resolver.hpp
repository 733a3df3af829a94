// SPDX-License-Identifier: MIT
// Names: which addresses a host has, and which hosts serve a domain.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <grove/hub/deadline.hpp>
#include <grove/net/address.hpp>

namespace grove::net {

namespace detail {
class ResolverState;
}

// A name that has no answer: "resolve nowhere.example: no such name (127.0.0.53)".
class ResolveError : public std::runtime_error {
public:
  enum class Reason {
    no_such_name,
    no_address,    // the name exists, and has no address (or no such service)
    server_failed, // no server gave an answer: SERVFAIL, silence, nobody there
    refused,       // a server would not (REFUSED), and no other did
    bad_name,      // no name at all: nobody was asked
    bad_answer,    // what came does not parse
  };
  ResolveError(Reason reason, const std::string& text) : runtime_error(text), reason_(reason) {}
  Reason reason() const { return reason_; }

private:
  Reason reason_;
};

struct ResolverOptions {
  // ares: queries of our own, on the hub (c-ares). threads: getaddrinfo(3) on the default thread
  // pool, so the system's own rules; what is below is then not looked at, except for services.
  enum class By { ares, threads };
  By by = By::ares;

  // What is not set is taken from this file, which is read again when it has changed; what it does
  // not say either is as libc has it: one server at 127.0.0.1, 5 seconds, 2 tries.
  std::string resolv_conf = "/etc/resolv.conf";
  std::vector<Address> servers{};                     // port 0: 53; without a scope
  std::optional<std::vector<std::string>> search{};   // domains that short names are tried under
  std::optional<unsigned> ndots{};                    // with so many dots a name is no short one
  std::optional<std::chrono::milliseconds> timeout{}; // of one question to one server
  std::optional<unsigned> tries{};                    // rounds over all servers, at least 1

  std::string hosts_file = "/etc/hosts"; // comes before any server; empty: none

  std::size_t cache_size = 1000; // names whose answers are kept; 0: none
  // Answers are kept as long as their TTL says (for those that say "no": the SOA record's minimum),
  // and no longer than this. Failures of servers are not kept.
  std::chrono::seconds max_ttl{86'400};
  std::chrono::seconds max_negative_ttl{60};
};

// One line of an SRV answer.
struct Service {
  std::string host;
  std::uint16_t port = 0;
  std::uint16_t priority = 0; // lower comes first
  std::uint16_t weight = 0;   // its share among those of equal priority

  friend bool operator==(const Service&, const Service&) = default;
};

// Resolver looks names up, and keeps the answers for as long as they hold. Greenlets that ask for
// the same at the same time share one lookup; one that is killed, or whose time is up, leaves it to
// the others, and one that nobody waits for any more goes on until its own time limits. Hub-local;
// each hub has one of its own at first use, whose connections and watches end with the hub. After
// fork() the child's asks on sockets of its own. Destroying it wakes with Closed who waits.
//
// Never looked up: IP addresses, with a scope or without; "localhost" and what ends so, which are
// 127.0.0.1 and ::1 if the hosts file does not say otherwise. Names are ASCII: others are written
// in Punycode by the caller ("xn--bcher-kva.example"), or are a bad_name, as are those that are too
// long, have a NUL or a blank, or end in a number and are no address ("127.1").
//
// Under a Simulation a lookup is a job of the default thread pool: the hub stands still until it
// has ended, and it takes no simulated time. A server that is a greenlet of the same hub can then
// not answer.
class Resolver {
public:
  explicit Resolver(ResolverOptions options = {}); // std::invalid_argument
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;
  ~Resolver();

  // The calling hub's own. It goes by the environment's GROVE_RESOLVER, "ares" (as when there is
  // none) or "thread"; std::invalid_argument for another word.
  static Resolver& current();

  // At least one address, in the order in which to try them (RFC 6724), at most 64 of each family.
  // ResolveError; TimeoutError; Closed.
  std::vector<Address> resolve(std::string_view host, std::uint16_t port, Deadline deadline = {});
  // Who serves "_xmpp-client._tcp.example.org", in the order in which to try them: by priority and,
  // within one, drawn anew by weight at each call (RFC 2782). At least one.
  std::vector<Service> resolve_srv(std::string_view name, Deadline deadline = {});

  // Other options from now on; lookups under way end as they began. The cache is emptied.
  void configure(ResolverOptions options);
  void clear_cache();

  // Counted since it was made.
  struct Stats {
    std::uint64_t calls = 0;
    std::uint64_t lookups = 0;   // that were begun
    std::uint64_t joined = 0;    // calls that found one under way
    std::uint64_t cached = 0;    // calls that were answered from the cache
    std::uint64_t questions = 0; // to servers; two for a host, one for each family
    std::size_t under_way = 0;   // lookups now
    std::size_t entries = 0;     // of the cache, now
  };
  Stats stats() const;

private:
  std::unique_ptr<detail::ResolverState> state_;
};

// By the hub's own Resolver: see there.
std::vector<Address> resolve(std::string_view host, std::uint16_t port, Deadline deadline = {});
std::vector<Service> resolve_srv(std::string_view name, Deadline deadline = {});

} // namespace grove::net
