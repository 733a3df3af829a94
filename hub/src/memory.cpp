// SPDX-License-Identifier: MIT
// Slabs of identities and mail.
#include "memory.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <new>

#include <grove/hub/detail/greenlet_state.hpp>
#include <grove/hub/detail/mail.hpp>

#include "hub_impl.hpp"
#include "switch.hpp"

#if GROVE_ASAN
#include <sanitizer/lsan_interface.h>
#endif

namespace grove::detail {

namespace {

constexpr std::size_t slab_bytes = std::size_t{256} * 1024;

char* map(std::size_t bytes) {
  void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED)
    throw std::bad_alloc();
#if GROVE_ASAN
  // What is parked when main() returns is abandoned, and its memory no leak.
  __lsan_register_root_region(memory, bytes);
#endif
  return static_cast<char*>(memory);
}

// The next slab of a hub that has `before` of that kind. From the 33rd on all its pages are had at
// once: one by one, the faults of fresh mail cost twice what is done with it.
char* map_slab(std::size_t bytes, std::size_t before) {
  char* memory = map(bytes);
  if (before >= 32)
    madvise(memory, bytes, MADV_POPULATE_WRITE); // advice: a kernel before 5.14 does not know it
  return memory;
}

} // namespace

Identity* IdentitySlabs::carve(HubState& hub, std::uint32_t size_class) {
  const std::size_t slot = size_of_class(size_class);
  std::size_t& current = current_[size_class];
  if (current == 0 || slabs_[current - 1].used + slot > slabs_[current - 1].bytes) {
    const std::size_t bytes = std::max(slab_bytes, slot);
    make_room(slabs_);
    slabs_.push_back({map_slab(bytes, slabs_.size()), slot, 0, bytes / slot * slot});
    current = slabs_.size();
  }
  Slab& slab = slabs_[current - 1];
  auto* identity = ::new (slab.base + slab.used) Identity;
  slab.used += slot;
  identity->id = next_id_++;
  identity->home = static_cast<std::uint8_t>(hub.index);
  return identity;
}

Identity* more_identities(HubState& hub, std::uint32_t size_class) {
  return HubImpl::of(hub).identities.carve(hub, size_class);
}

void* MailSlabs::carve(std::size_t bytes) {
  if (static_cast<std::size_t>(end_ - at_) < bytes) {
    at_ = map_slab(slab_bytes, slabs_);
    ++slabs_;
    end_ = at_ + slab_bytes;
  }
  void* memory = at_;
  at_ += bytes;
  return memory;
}

Mail* more_mail(HubState& hub, std::uint16_t size_class) {
  if (hub.index == no_hub_index || size_class >= mail_classes) {
    throw std::logic_error("grove: more_mail: no pool for this"); // take_mail() never asks
  }
  HubImpl& impl = HubImpl::of(hub);
  for (Mail* mail = impl.returned.exchange(nullptr, std::memory_order_acquire); mail != nullptr;) {
    Mail* next = mail->next;
    mail->next = hub.free_mail[mail->size_class];
    hub.free_mail[mail->size_class] = mail;
    mail = next;
  }
  if (Mail* mail = hub.free_mail[size_class]) {
    hub.free_mail[size_class] = mail->next;
    return mail;
  }
  // A kibibyte at a time, in order: who sends many before one is handled comes here for each.
  const std::size_t bytes = std::size_t{64} << size_class;
  const std::size_t count = std::max(std::size_t{1024} / bytes, std::size_t{1});
  auto* memory = static_cast<char*>(impl.mail_slabs.carve(count * bytes));
  Mail* first = nullptr;
  for (std::size_t i = count; i-- > 0;) {
    auto* mail = reinterpret_cast<Mail*>(memory + i * bytes);
    mail->next = first;
    mail->home = hub.index;
    mail->size_class = size_class;
    first = mail;
  }
  hub.free_mail[size_class] = first->next;
  return first;
}

void return_mail(HubState& hub, Mail* mail) noexcept {
  if (mail->home == no_free_list) {
    ::operator delete(mail);
    return;
  }
  const std::uint16_t home = mail->home;
  if (hub.index == no_hub_index) { // a thread without a hub keeps no lists
    auto& list = hub_at(home)->returned;
    mail->next = list.load(std::memory_order_relaxed);
    while (!list.compare_exchange_weak(mail->next, mail, std::memory_order_release,
                                       std::memory_order_relaxed)) {
    }
    return;
  }
  HubImpl& impl = HubImpl::of(hub);
  if (impl.returns[home] == nullptr) {
    impl.owed.push_back(home);
    impl.last_return[home] = mail;
  }
  mail->next = impl.returns[home];
  impl.returns[home] = mail;
  if (++impl.return_count[home] >= 64)
    impl.flush_returns();
}

void HubImpl::flush_returns() {
  for (const std::uint16_t home : owed) {
    Mail* first = std::exchange(returns[home], nullptr);
    return_count[home] = 0;
    Mail* last = last_return[home];
    auto& list = hub_at(home)->returned;
    last->next = list.load(std::memory_order_relaxed);
    while (!list.compare_exchange_weak(last->next, first, std::memory_order_release,
                                       std::memory_order_relaxed)) {
    }
  }
  owed.clear();
}

} // namespace grove::detail
