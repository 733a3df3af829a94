// SPDX-License-Identifier: MIT
// Calls on a stack that is in the cache.
#pragma once

#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

namespace grove::detail {

void call_on_warm_stack(void (*function)(void*), void* argument);

// Runs function() on the free stack that was used last. Of thousands of greenlets each has a stack
// of its own that is cold when its turn comes, and each page of it costs a walk of the page tables:
// what goes deep for a moment had better not do so there. `function` has a stack of the default
// size, and must not wait: what the caller's own stack says of it, its Shields for one, is not
// seen. What it throws passes through. Its own hub only. A plain call with the portable switch, and
// where no stack can be had.
template <class Function>
auto on_warm_stack(Function&& function) {
  using Result = std::invoke_result_t<Function&>;
  if constexpr (std::is_void_v<Result>) {
    using Plain = std::remove_reference_t<Function>;
    call_on_warm_stack([](void* argument) { (*static_cast<Plain*>(argument))(); },
                       const_cast<void*>(static_cast<const void*>(std::addressof(function))));
  } else {
    std::optional<Result> result;
    on_warm_stack([&] { result = function(); });
    return *std::move(result);
  }
}

} // namespace grove::detail
