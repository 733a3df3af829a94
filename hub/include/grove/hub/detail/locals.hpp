// SPDX-License-Identifier: MIT
// What greenlet-local and tree-local values are kept in.
#pragma once

#include <concepts>
#include <cstdint>
#include <memory>

#include <grove/hub/detail/identity.hpp>

namespace grove::detail {

// A value of one greenlet and one GreenletLocal. In two lists: its greenlet's, and that of its key
// on its hub.
struct LocalValue {
  std::uint64_t key = 0;
  LocalValue** greenlet_at = nullptr; // what points here
  LocalValue* greenlet_next = nullptr;
  LocalValue** key_at = nullptr;
  LocalValue* key_next = nullptr;
  void (*destroy)(LocalValue*) = nullptr;
};

// Never used again, so that a value can not be taken for that of another variable.
std::uint64_t new_local_key() noexcept;

// All of these concern the running greenlet.
LocalValue* find_local(std::uint64_t key);
void add_local(std::uint64_t key, LocalValue* value); // takes it over
bool drop_local(std::uint64_t key);
void drop_locals(); // as its end would: for greenlets that serve one after the other

// The values of this hub's greenlets; on a thread without a hub there are none.
void drop_locals_of_key(std::uint64_t key);

// A value of a tree. The type is for those who look at it from outside.
struct TreeValue {
  std::shared_ptr<void> value;
  const char* type = nullptr;
};
TreeValue& tree_value(std::uint64_t key);

} // namespace grove::detail
