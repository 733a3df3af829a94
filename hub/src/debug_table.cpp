// SPDX-License-Identifier: MIT
// The table that tools/gdb/grove.py reads.
#include "debug_table.hpp"

#include <cstddef>

#include "extras.hpp"
#include "hub_impl.hpp"
#include "switch.hpp"

using grove::detail::Context;
using grove::detail::Extras;
using grove::detail::HubState;
using grove::detail::Identity;
using grove::detail::IdentitySlabs;
using grove::detail::Ops;

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Winvalid-offsetof" // Extras: both compilers know it all the same
[[gnu::used]] constinit grove::detail::DebugTable grove_debug_table{
    .version = 1,
    .inline_switch = GROVE_INLINE_SWITCH,
    .identity = {offsetof(Identity, context), offsetof(Identity, sp), offsetof(Identity, ops),
                 offsetof(Identity, extras), offsetof(Identity, id), offsetof(Identity, flags)},
    .context_waits_for = offsetof(Context, waits_for),
    .context_usable = offsetof(Context, usable),
    .ops_kind = offsetof(Ops, kind),
    .hub_current = offsetof(HubState, current),
    .hub_context = offsetof(HubState, context),
    .extras_name = offsetof(Extras, name),
    .slab = {sizeof(IdentitySlabs::Slab), offsetof(IdentitySlabs::Slab, base),
             offsetof(IdentitySlabs::Slab, slot), offsetof(IdentitySlabs::Slab, used)},
    .flag = {grove::detail::flag::live, grove::detail::flag::parked, grove::detail::flag::finished},
    .hubs_size = grove::detail::max_hubs,
    .hubs = {},
};
#pragma GCC diagnostic pop

void grove::detail::enter_debug_table(const HubImpl& hub) {
  grove_debug_table.hubs[hub.state.index] = {&hub.state, &hub.main_identity, hub.identities.slabs(),
                                             &hub.thread};
}
