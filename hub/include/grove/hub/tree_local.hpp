// SPDX-License-Identifier: MIT
// TreeLocal: one value per tree of greenlets.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>

#include <grove/hub/detail/locals.hpp>
#include <grove/hub/detail/type_name.hpp>

namespace grove {

// TreeLocal<T> is a variable that a greenlet shares with those it spawned, those that these
// spawned, and so on: what belongs to a request, wherever it is handled. Greenlets that main (or
// another hub) spawned begin trees of their own; main has one too, which nobody shares. A value is
// made as T() at the first get() in its tree and goes with the last greenlet of it, or with the
// TreeLocal's tree. Hub-local like the greenlets; the variable itself may be a static.
template <class T>
class TreeLocal {
public:
  TreeLocal() = default;
  TreeLocal(const TreeLocal&) = delete;
  TreeLocal& operator=(const TreeLocal&) = delete;

  T& get() const {
    detail::TreeValue& place = detail::tree_value(key_);
    if (place.value == nullptr) {
      auto made = std::make_shared<T>(); // may wait: another may be first
      if (place.value == nullptr)
        place = {std::move(made), type_.data()};
    }
    return *static_cast<T*>(place.value.get());
  }
  T& operator*() const { return get(); }
  T* operator->() const { return &get(); }
  T& set(T value) const { return get() = std::move(value); }

private:
  static constexpr auto type_ = detail::type_name<T>();
  std::uint64_t key_ = detail::new_local_key();
};

} // namespace grove
