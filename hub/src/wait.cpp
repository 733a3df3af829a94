// SPDX-License-Identifier: MIT
// wait: looks, stands in all the lines, and looks again.
#include <grove/hub/wait.hpp>

#include <stdexcept>

#include <grove/hub/detail/greenlet_state.hpp>
#include <grove/hub/detail/wait.hpp>

namespace grove {

namespace detail {

// Whatever is ready leaves its line and is put up for report. Greenlets that have ended meanwhile
// are told in the order of their ends; of the rest only that of the list is known.
void WaitSet::collect() {
  for (std::size_t i = watched_.size(); i-- > 0;) {
    if (watched_[i] != nullptr && watched_[i]->ready())
      ready_.push_back(i);
  }
  const auto ordered = [this](std::size_t i) { return watched_[i]->order() != nullptr; };
  if (std::all_of(ready_.begin(), ready_.end(), ordered)) {
    std::stable_sort(ready_.begin(), ready_.end(), [this](std::size_t a, std::size_t b) {
      return static_cast<std::int32_t>(*watched_[a]->order() - *watched_[b]->order()) > 0;
    });
  }
  for (const std::size_t i : ready_)
    watched_[i].reset();
}

std::size_t WaitSet::next() {
  check_interrupts();
  if (left_ == 0) {
    watched_.clear(); // nobody stays in a line for a range that is at its end
    return npos;
  }
  while (ready_.empty()) {
    collect();
    if (!ready_.empty())
      break;
    struct Leave { // all the lines, whatever happens
      WaitSet& set;
      ~Leave() {
        for (const auto& one : set.watched_) {
          if (one != nullptr)
            one->disarm();
        }
      }
    };
    Wake why = Wake::ready;
    {
      const Leave leave{*this};
      for (const auto& one : watched_) {
        if (one != nullptr)
          one->arm();
      }
      why = park_until("wait", deadline_);
    }
    if (why == Wake::timeout) {
      left_ = 0;
      return npos;
    }
  }
  --left_;
  const std::size_t next = ready_.back();
  ready_.pop_back();
  return next;
}

} // namespace detail

ended::ended(const Joinable& who) : who_(who.ref()) {
  if (who_.identity == nullptr)
    throw std::logic_error("grove: wait for the end of an empty reference");
  if (who_.identity->home != detail::no_hub_index) // a reference to no actor has ended
    detail::check_home(who_.identity->home, "wait for an end");
}

const std::uint32_t* ended::order_of_end() const {
  if (who_.identity->home == detail::no_hub_index) // a reference to no actor
    return nullptr;
  if (who_.identity->ops->accept != nullptr || who_.identity->generation != who_.generation)
    return nullptr;
  return &detail::state_of(who_.identity)->ended_at;
}

} // namespace grove
