// SPDX-License-Identifier: MIT
// The table that tools/gdb/grove.py reads: where things are, as the build need not have types.
#pragma once

#include <cstdint>

#include <grove/hub/detail/hub_state.hpp>

namespace grove::detail {

class HubImpl;

// All numbers are offsets or sizes in bytes unless they say otherwise. The script reads this as raw
// memory, in this order; whoever changes it raises `version` there and here.
struct DebugTable {
  std::uint32_t version;
  std::uint32_t inline_switch; // 1: what jump() saves; 0: what jump_fcontext saves

  struct {
    std::uint32_t context, sp, ops, extras, id, flags;
  } identity;
  std::uint32_t context_waits_for;
  std::uint32_t context_usable;
  std::uint32_t ops_kind;
  std::uint32_t hub_current; // in HubState
  std::uint32_t hub_context;
  std::uint32_t extras_name; // a std::string: pointer, length
  struct {
    std::uint32_t size, base, slot, used; // of an element of the vector of slabs
  } slab;
  struct {
    std::uint32_t live, parked, finished; // values
  } flag;

  std::uint32_t hubs_size;
  struct HubEntry { // all null: no such hub
    const HubState* state;
    const Identity* main;
    const void* slabs;  // a std::vector: begin, end
    const void* thread; // an int: its number in the kernel
  } hubs[max_hubs];
};

// Enters a hub, for ever: see HubImpl.
void enter_debug_table(const HubImpl& hub);

} // namespace grove::detail

extern "C" grove::detail::DebugTable grove_debug_table;
