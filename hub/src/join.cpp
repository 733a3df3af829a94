// SPDX-License-Identifier: MIT
// Joining and killing several.
#include <grove/hub/join.hpp>

#include <exception>

#include <grove/hub/detail/greenlet_state.hpp>
#include <grove/hub/detail/wait.hpp>
#include <grove/hub/wait.hpp>

namespace grove {

bool join_all(std::span<const Joinable> all, Deadline deadline) {
  for (const Joinable& one : all) {
    if (one.ref().identity == detail::here().current)
      detail::join_identity(one.ref(), deadline);
  }
  for (const Joinable& one : all) {
    if (!detail::join_identity(one.ref(), deadline))
      return false;
  }
  return true;
}
bool join_all(std::initializer_list<Joinable> all, Deadline deadline) {
  return join_all(std::span<const Joinable>(all.begin(), all.size()), deadline);
}

bool kill_all(std::span<const Joinable> all, Deadline deadline) {
  for (const Joinable& one : all) {
    if (one.ref().alive())
      detail::kill_identity(one.ref().identity, nullptr);
  }
  return join_all(all, deadline);
}
bool kill_all(std::initializer_list<Joinable> all, Deadline deadline) {
  return kill_all(std::span<const Joinable>(all.begin(), all.size()), deadline);
}

std::size_t join_all(std::span<const Joinable> all, const JoinOptions& options) {
  std::size_t ended = 0;
  for (const Joinable& one : wait(all, {options.deadline, options.count})) {
    ++ended;
    const detail::Identity* identity = one.ref().identity;
    if (!options.raise_error || identity->home == detail::no_hub_index ||
        identity->ops->accept != nullptr)
      continue; // no greenlet
    const detail::GreenletState* state = detail::state_of(one.ref().identity);
    if (one.ref().generation == identity->generation && state->end == detail::End::error)
      std::rethrow_exception(state->error);
  }
  return ended;
}

} // namespace grove
