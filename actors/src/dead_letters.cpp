// SPDX-License-Identifier: MIT
// Who is shown what was lost.
#include <grove/actors/dead_letters.hpp>

#include <utility>

#include <grove/actors/detail/envelope.hpp>
#include <grove/actors/trace.hpp>
#include <grove/hub/hub.hpp>

namespace grove {

class DeadLetter::Access {
public:
  static DeadLetter make(Why why, const detail::LostMessage& message) {
    return {why, message.type, message.body, current_trace()};
  }
};

namespace {

struct Hook {
  std::function<void(const DeadLetter&)> call;
  bool within = false;
};
thread_local Hook hook_of_hub; // a hub is a thread

} // namespace

void detail::lose(Loss what, const LostMessage& message) noexcept {
  count_loss(what);
  Hook& hook = hook_of_hub;
  if (!hook.call || hook.within)
    return;
  hook.within = true;
  try {
    const auto call = hook.call; // which may put another in its place
    call(DeadLetter::Access::make(
        what == Loss::dead_letter ? DeadLetter::Why::gone : DeadLetter::Why::full, message));
  } catch (...) { // see on_dead_letter()
  }
  hook.within = false;
}

void on_dead_letter(std::function<void(const DeadLetter&)> hook) {
  (void)detail::here();
  hook_of_hub.call = std::move(hook);
}

} // namespace grove
