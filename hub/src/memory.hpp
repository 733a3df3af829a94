// SPDX-License-Identifier: MIT
// Type-stable memory for identities, and pooled memory for mail.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <grove/hub/detail/hub_state.hpp>

namespace grove::detail {

// The next push_back() will not throw.
template <class T>
void make_room(std::vector<T>& list) {
  if (list.size() == list.capacity())
    list.reserve(list.empty() ? 16 : 2 * list.size());
}

// The slots of one hub. Never given back to the system: a slot is an Identity for ever.
class IdentitySlabs {
public:
  Identity* carve(HubState& hub, std::uint32_t size_class);

  // Calls f for each slot that is in use; f must not make or end identities.
  template <class F>
  void for_each_living(F&& f) const {
    for_each_slot([&](Identity* identity) {
      if ((identity->flags & flag::live) != 0)
        f(identity);
    });
  }
  // The same for those that are not in use, too.
  template <class F>
  void for_each_slot(F&& f) const {
    for (const Slab& slab : slabs_) {
      for (std::size_t at = 0; at < slab.used; at += slab.slot)
        f(reinterpret_cast<Identity*>(slab.base + at));
    }
  }

  struct Slab {
    char* base;
    std::size_t slot;
    std::size_t used;
    std::size_t bytes;
  };
  const std::vector<Slab>* slabs() const { return &slabs_; } // for debuggers

private:
  std::vector<Slab> slabs_;
  std::size_t current_[identity_classes] = {}; // index + 1 of the slab being carved
  std::uint32_t next_id_ = 1;                  // 0 is main
};

// The envelopes of one hub, dense.
class MailSlabs {
public:
  void* carve(std::size_t bytes);

private:
  char* at_ = nullptr;
  char* end_ = nullptr;
  std::size_t slabs_ = 0;
};

} // namespace grove::detail
