// SPDX-License-Identifier: MIT
// The hub's side of greenlet-local and tree-local values.
#pragma once

#include <cstdint>
#include <memory>
#include <unordered_map>

#include <grove/hub/detail/locals.hpp>

namespace grove::detail {

// The values of one greenlet, the youngest first.
struct Locals {
  LocalValue* first = nullptr;

  Locals() = default;
  Locals(const Locals&) = delete;
  Locals& operator=(const Locals&) = delete;
  ~Locals() { drop_all(); }
  // Until there are none: a destructor may make new ones.
  void drop_all();
  // They are never destroyed: their greenlet was left behind, and its stack with what they may
  // refer to.
  void abandon_all();
};

// By key, the first of the values that living greenlets of this hub have.
using LocalsByKey = std::unordered_map<std::uint64_t, LocalValue*>;

// What a tree of greenlets shares, by key.
using Tree = std::unordered_map<std::uint64_t, TreeValue>;

} // namespace grove::detail
