// SPDX-License-Identifier: MIT
// Simulation: a seed stands in for the clock, the order of the run queue, and chance.
#include "simulation.hpp"

#include <random>
#include <stdexcept>

#include <grove/hub/random.hpp>

#include "hub_impl.hpp"

namespace grove {

namespace {
constexpr std::uint32_t dispatches_per_poll = 64;
}

Simulation::Simulation(const Options& options)
    : seed_(options.seed), shuffle_(options.shuffle), state_(options.seed) {
  detail::HubImpl& hub = detail::HubImpl::here();
  if (hub.simulation != nullptr)
    throw std::logic_error("grove: this hub has a Simulation already");
  random_before_ = hub.random;
  hub.random = detail::splitmix64(state_);
  hub.clock.go_virtual();
  hub.simulation = this;
  hub.wind(1); // every dispatch passes by HubImpl::tick()
}

Simulation::~Simulation() {
  detail::HubImpl& hub = detail::HubImpl::here();
  const std::int64_t simulated = hub.clock.now();
  hub.clock.go_real();
  const std::int64_t back = hub.clock.now() - simulated;
  hub.timers.shift(back);
  hub.state.time += back;
  hub.identities.for_each_living([&](const detail::Identity* identity) {
    if (identity->context != nullptr)
      identity->context->parked_at += back;
  });
  hub.random = random_before_;
  hub.simulation = nullptr;
}

bool Simulation::is_on() noexcept {
  return detail::this_hub->index != detail::no_hub_index &&
         detail::HubImpl::here().simulation != nullptr;
}

bool Simulation::Access::step(Simulation& simulation, detail::HubImpl& hub) {
  choose(simulation, hub);
  if (++simulation.dispatches_ < dispatches_per_poll)
    return false;
  simulation.dispatches_ = 0;
  return true;
}

std::uint64_t Simulation::Access::draw(Simulation& simulation, std::uint64_t among) {
  const std::uint64_t choice =
      simulation.shuffle_ ? detail::splitmix64(simulation.state_) % among : 0;
  for (const std::uint64_t word : {choice, among})
    simulation.trace_ = (simulation.trace_ ^ word) * 0x100000001b3;
  return choice;
}

void Simulation::Access::choose(Simulation& simulation, detail::HubImpl& hub) {
  std::uint64_t runnable = 0;
  for (const detail::Identity* one = hub.state.run_head; one != nullptr; one = one->next)
    ++runnable;
  if (runnable == 0)
    return;
  const std::uint64_t choice = draw(simulation, runnable);
  ++simulation.steps_;
  detail::Identity** at = &hub.state.run_head;
  for (std::uint64_t i = 0; i < choice; ++i)
    at = &(*at)->next;
  detail::Identity* chosen = *at;
  if (choice == 0)
    return;
  *at = chosen->next;
  if (chosen->next == nullptr)
    hub.state.run_tail = at;
  hub.state.push_front(chosen);
}

std::uint64_t random_number() {
  detail::HubImpl& hub = detail::HubImpl::here();
  if (hub.random == 0) {
    std::random_device device;
    hub.random = (std::uint64_t{device()} << 32) | device() | 1;
  }
  return detail::splitmix64(hub.random);
}

} // namespace grove
