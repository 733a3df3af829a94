// SPDX-License-Identifier: MIT
// The fixture of what is about resolvers: a name server, and options that know no other.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include <grove/hub/greenlet.hpp>
#include <grove/net/resolver.hpp>

#include "dns_server.hpp"
#include "hub_test.hpp"

namespace grove::test {

using Texts = std::vector<std::string>;

inline Texts texts(const std::vector<net::Address>& addresses) {
  Texts all;
  for (const net::Address& address : addresses)
    all.push_back(address.to_string());
  return all;
}
inline Texts sorted(Texts all) {
  std::sort(all.begin(), all.end());
  return all;
}

class ResolverTest : public HubTest {
protected:
  using Reason = net::ResolveError::Reason;

  static net::ResolverOptions options_for(const net::Address& server) {
    net::ResolverOptions options;
    options.servers = {server};
    options.search = Texts{};
    options.ndots = 1;
    options.timeout = 5s;
    options.tries = 2;
    options.hosts_file = "";
    return options;
  }
  net::ResolverOptions options() const { return options_for(server_.address()); }
  // Addresses with their port, in the order of their texts.
  static Texts resolved(net::Resolver& resolver, const std::string& name) {
    return sorted(texts(resolver.resolve(name, 80, 30s)));
  }
  static Reason reason_of(net::Resolver& resolver, const std::string& name) {
    try {
      resolver.resolve(name, 80, 30s);
    } catch (const net::ResolveError& error) {
      return error.reason();
    }
    ADD_FAILURE() << name << " was resolved";
    return Reason::bad_answer;
  }
  void wait_for_questions(std::size_t count) {
    for (int i = 0; i < 10'000 && server_.questions() < count; ++i)
      sleep(1ms);
    ASSERT_GE(server_.questions(), count);
  }

  DnsServer server_;
};

} // namespace grove::test
