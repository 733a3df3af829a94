// SPDX-License-Identifier: MIT
// MessageType: what a type of message is known by, at run time.
#pragma once

#include <grove/hub/detail/type_name.hpp>

namespace grove::detail {

// Compared by address: two of one name may differ.
struct MessageType {
  const char* name;
};
template <class M>
inline constexpr auto message_type_name = type_name<M>();
template <class M>
inline constexpr MessageType message_type{message_type_name<M>.data()};

} // namespace grove::detail
