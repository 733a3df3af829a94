// SPDX-License-Identifier: MIT
// Mail from the hub's free lists, and its way to other hubs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>

#include <grove/hub/detail/hub_state.hpp>

namespace grove::detail {

// 64, 128, 256, 512 bytes with the header; mail_classes: from operator new, however large.
constexpr std::uint16_t mail_class_of(std::size_t body_bytes) {
  std::uint16_t size_class = 0;
  while (size_class < mail_classes && sizeof(Mail) + body_bytes > (std::size_t{64} << size_class)) {
    ++size_class;
  }
  return size_class;
}

Mail* more_mail(HubState& hub, std::uint16_t size_class);
void return_mail(HubState& hub, Mail* mail) noexcept;

// True if take_mail() has one at hand.
template <std::size_t BodyBytes>
bool has_mail(const HubState& hub) {
  constexpr std::uint16_t size_class = mail_class_of(BodyBytes);
  return size_class >= mail_classes || hub.free_mail[size_class % mail_classes] != nullptr;
}

// Raw room for a body of that size behind a Mail whose home and size_class are set.
template <std::size_t BodyBytes>
[[gnu::always_inline]] inline Mail* take_mail(HubState& hub) {
  constexpr std::uint16_t size_class = mail_class_of(BodyBytes);
  if constexpr (size_class < mail_classes) {
    Mail* mail = hub.free_mail[size_class];
    if (mail != nullptr) [[likely]] {
      hub.free_mail[size_class] = mail->next;
      return mail;
    }
    if (hub.index != no_hub_index)
      return more_mail(hub, size_class);
  }
  auto* mail = static_cast<Mail*>(::operator new(sizeof(Mail) + BodyBytes));
  mail->home = no_free_list;
  mail->size_class = mail_classes;
  return mail;
}

template <std::size_t BodyBytes>
void release_mail(HubState& hub, Mail* mail) noexcept {
  constexpr std::uint16_t size_class = mail_class_of(BodyBytes);
  if constexpr (size_class < mail_classes) {
    if (mail->home == hub.index) [[likely]] {
      mail->next = hub.free_mail[size_class];
      hub.free_mail[size_class] = mail;
      return;
    }
  }
  return_mail(hub, mail);
}

// Sends it to the hub with that index, which hands it to mail->target, or, if that is null, lets it
// deliver itself. Any thread. False if that hub has shut down: the mail is still the caller's.
bool send_mail(std::uint16_t home, Mail* mail) noexcept;

template <class T>
T* mail_body(Mail* mail) {
  return std::launder(reinterpret_cast<T*>(mail + 1));
}

} // namespace grove::detail
