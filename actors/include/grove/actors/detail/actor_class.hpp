// SPDX-License-Identifier: MIT
// ActorClass: what a class of actors is known by, at run time.
#pragma once

#include <atomic>
#include <cstdint>

#include <grove/hub/detail/type_name.hpp>

namespace grove::detail {

// Compared by address: two of one name may differ.
struct ActorClass {
  const char* name;
  const char* qualified_name;
  std::atomic<std::uint32_t> number{0}; // its row in the totals of each hub; 0: it has none yet
};
template <class A>
inline constexpr auto actor_class_name = type_name<A>();
template <class A>
inline constexpr auto actor_class_qualified_name = qualified_name<A>();
template <class A>
inline constinit ActorClass actor_class{actor_class_name<A>.data(),
                                        actor_class_qualified_name<A>.data()};

} // namespace grove::detail
