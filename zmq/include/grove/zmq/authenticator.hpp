// SPDX-License-Identifier: MIT
// Authenticator: decides who may connect to the sockets of a context (ZAP, RFC 27).
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <grove/zmq/access_rules.hpp>
#include <grove/zmq/context.hpp>

namespace grove::zmq {

// What is known of somebody who wants to connect.
struct AuthRequest {
  std::string domain;     // zap_domain of the socket
  std::string address;    // numeric, without port; empty when there is none
  std::string routing_id; // the peer's own choice
  std::string mechanism;  // "NULL", "PLAIN", "CURVE" or another
  std::string user;       // PLAIN
  std::string password;   // PLAIN
  std::string public_key; // CURVE: 40 characters of Z85
};

// How requests were answered.
struct AuthCounts {
  std::uint64_t accepted = 0;
  std::uint64_t denied_by_address = 0;
  std::uint64_t denied_by_credentials = 0; // an unknown key or user, a wrong password
  std::uint64_t denied_by_mechanism = 0;   // which the rules of the domain do not mention
  std::uint64_t denied_by_decision = 0;
  std::uint64_t put_off = 0; // the decision took too long or was cut short, or there were too many
  std::uint64_t failed = 0;  // the decision threw
  std::uint64_t malformed = 0; // not a request as RFC 27 has it; answered with 400 where possible
  std::uint64_t abandoned = 0; // the answer came when nobody waited for it any more

  std::uint64_t denied() const noexcept {
    return denied_by_address + denied_by_credentials + denied_by_mechanism + denied_by_decision;
  }
};

struct AuthenticatorOptions {
  std::size_t max_decisions = 100;                // under way at a time; further peers are put off
  std::chrono::milliseconds decision_limit{5000}; // then the peer is put off: it may try again
};

// An Authenticator answers for all sockets of its context (on any hub) that are CURVE or PLAIN
// servers, or have a zap_domain: see make_curve_server() and make_plain_server(). It lets in whom
// the rules of the socket's domain, or those of "*" where a domain has none, allow; the rest is
// asked of decide(), if there is such. The user's name is in each message he sends, as
// Message::property("User-Id").
//
// It works in greenlets of the hub that made it, which must not be kept busy for long: peers wait.
// Everything here is for that hub, and never waits. Destroying it kills the decisions under way,
// and waits for their ends under a Shield. Without one, the servers of this library let nobody in.
class Authenticator {
public:
  // One at a time for a context: std::system_error, address_in_use, names the endpoint.
  explicit Authenticator(Context& context = Context::process(), AuthenticatorOptions options = {});
  Authenticator(const Authenticator&) = delete;
  Authenticator& operator=(const Authenticator&) = delete;
  ~Authenticator();

  // The rules of a domain, made at the first call.
  AccessRules& rules(const std::string& domain = "*");

  // Asked about whom the rules do not allow (but whose address they do): the name of the user, or
  // nothing to deny him. Runs in a greenlet for each request, and may wait; others are not held up.
  // What it throws is reported as an unhandled error is, and the peer is refused (500).
  using Decision = std::function<std::optional<std::string>(const AuthRequest&)>;
  void decide(Decision decision);

  const AuthCounts& counts() const noexcept;

private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

} // namespace grove::zmq
