// SPDX-License-Identifier: MIT
// Links: what is called when a greenlet has ended.
#include <utility>

#include <grove/hub/greenlet.hpp>

#include "extras.hpp"
#include "schedule.hpp"

namespace grove {

namespace detail {

namespace {

bool wanted(const Extras::Linked& link, const GreenletState* state) {
  return state->end == End::value ? link.on_value : link.on_exception;
}

// Runs the first link that is left. Another greenlet is under way for the next one before this one
// may block, so that links begin in order and none holds up another.
void run_links(const GreenletRef<>& ended) {
  Extras& extras = *ended.identity()->extras;
  while (!extras.links.empty()) {
    Extras::Linked link = std::move(extras.links.front());
    extras.links.pop_front();
    if (!wanted(link, state_of(ended.identity())))
      continue;
    if (!extras.links.empty())
      spawn(run_links, ended);
    link.call(ended);
    return;
  }
}

} // namespace

void start_links(Identity* self) {
  if (self->extras == nullptr || self->extras->links.empty())
    return;
  add_reference(self);
  spawn(run_links, GreenletRef<>::adopt(self));
}

} // namespace detail

namespace {
LinkId add_link(detail::Identity* self, bool on_value, bool on_exception,
                GreenletRef<>::Link call) {
  detail::Extras& extras = detail::extras_of(self);
  const std::uint64_t id = extras.next_link++;
  extras.links.push_back({id, on_value, on_exception, std::move(call)});
  if ((self->flags & detail::flag::finished) != 0 && extras.links.size() == 1) {
    detail::start_links(self);
  }
  return LinkId{id};
}
} // namespace

LinkId GreenletRef<void>::link(Link f) const { return add_link(self_, true, true, std::move(f)); }
LinkId GreenletRef<void>::link_value(Link f) const {
  return add_link(self_, true, false, std::move(f));
}
LinkId GreenletRef<void>::link_exception(Link f) const {
  return add_link(self_, false, true, std::move(f));
}
void GreenletRef<void>::unlink(LinkId id) const {
  if (self_->extras == nullptr)
    return;
  std::erase_if(self_->extras->links, [&](const detail::Extras::Linked& link) {
    return link.id == static_cast<std::uint64_t>(id);
  });
}
std::size_t GreenletRef<void>::links() const {
  return self_->extras == nullptr ? 0 : self_->extras->links.size();
}

} // namespace grove
