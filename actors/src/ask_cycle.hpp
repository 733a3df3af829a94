// SPDX-License-Identifier: MIT
// Who waits for whom, and words for it.
#pragma once

#include <string>

#include <grove/actors/detail/actor_state.hpp>

namespace grove::detail {

// Whoever is asked, or told, and what `from` waits for, ends at `to`.
bool leads_to(const HubState& hub, const Identity* from, const Identity* to) noexcept;
// Throws AskCycle if the target waits for who runs here.
void check_cycle(HubState& hub, Identity* target, const char* call);
// Before `me` waits for the end of `target`: if that waits for an answer of `me`, which will not
// come, itself or through others, the question that closes the ring is answered with AskCycle.
void break_cycle(const HubState& hub, Identity* target, Identity* me) noexcept;
// While one lives, who made it waits for that actor, though it has asked nothing.
class WaitsFor {
public:
  WaitsFor(HubState& hub, Identity* actor) : context_(hub.context) {
    context_->reply = nullptr;
    context_->asks = actor;
    context_->question = ++hub.questions; // which nobody answers
  }
  WaitsFor(const WaitsFor&) = delete;
  WaitsFor& operator=(const WaitsFor&) = delete;
  ~WaitsFor() { context_->question = 0; }

private:
  Context* context_;
};
// The name of an actor; other hubs' may be looked at only in what never changes.
std::string label(Identity* slot);
std::string describe_full(const char* call, Identity* actor);

} // namespace grove::detail
