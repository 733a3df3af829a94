// SPDX-License-Identifier: MIT
#include <grove/net/resolver.hpp>

#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include <grove/hub/random.hpp>

#include "resolver_state.hpp"
#include "service_order.hpp"

namespace grove::net {

namespace {

ResolverOptions options_of_environment() {
  ResolverOptions options;
  const char* text = std::getenv("GROVE_RESOLVER"); // NOLINT: nobody writes it meanwhile
  const std::string_view by = text == nullptr ? "" : text;
  if (by == "thread")
    options.by = ResolverOptions::By::threads;
  else if (!by.empty() && by != "ares")
    throw std::invalid_argument("grove: GROVE_RESOLVER=" + std::string(by) +
                                ": write ares or thread");
  return options;
}

} // namespace

Resolver::Resolver(ResolverOptions options)
    : state_(std::make_unique<detail::ResolverState>(std::move(options))) {}

Resolver::~Resolver() = default;

Resolver& Resolver::current() {
  struct Own {
    grove::detail::HubLife hub{};
    Resolver resolver{options_of_environment()};
  };
  thread_local std::unique_ptr<Own> own;
  if (own == nullptr || !own->hub.is_here()) // none yet, or that of a hub that has ended
    own = std::make_unique<Own>();
  return own->resolver;
}

std::vector<Address> Resolver::resolve(std::string_view host, std::uint16_t port,
                                       Deadline deadline) {
  std::vector<Address> addresses = state_->host(host, deadline).addresses;
  for (Address& address : addresses)
    address = address.with_port(port);
  return addresses;
}

std::vector<Service> Resolver::resolve_srv(std::string_view name, Deadline deadline) {
  std::vector<Service> services = state_->service(name, deadline).services;
  detail::order_services(services, random_number);
  return services;
}

void Resolver::configure(ResolverOptions options) { state_->configure(std::move(options)); }
void Resolver::clear_cache() { state_->clear_cache(); }
Resolver::Stats Resolver::stats() const { return state_->stats(); }

std::vector<Address> resolve(std::string_view host, std::uint16_t port, Deadline deadline) {
  return Resolver::current().resolve(host, port, deadline);
}

std::vector<Service> resolve_srv(std::string_view name, Deadline deadline) {
  return Resolver::current().resolve_srv(name, deadline);
}

} // namespace grove::net
