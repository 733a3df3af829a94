// SPDX-License-Identifier: MIT
// Waits that any thread may end, and the part of SharedQueue that knows no items.
#include <grove/hub/detail/shared_wait.hpp>

#include <chrono>
#include <string>

#include <grove/hub/exceptions.hpp>

#include "hub_impl.hpp"

namespace grove::detail {

// -- SharedWaiter --------------------------------------------------------------------------------

namespace {
constexpr PostedOps waiter_ops{
    [](PostedCall* call) { static_cast<SharedWaiter*>(call)->arrive(); },
    [](PostedCall* call) noexcept { static_cast<SharedWaiter*>(call)->drop(); }, true};
} // namespace

SharedWaiter::SharedWaiter(Waiter* on_stack)
    : PostedCall(waiter_ops), hub(on_stack != nullptr ? this_hub->hub : nullptr),
      who(on_stack != nullptr ? IdentityRef{on_stack->who, on_stack->who->generation}
                              : IdentityRef{}),
      waiter(on_stack) {}

void SharedWaiter::drop() noexcept {
  if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1)
    delete this;
}

void SharedWaiter::tell(Told what) noexcept {
  answer = what;
  if (hub == nullptr) {
    told.notify_one();
  } else if (this_hub->hub == hub && (who.identity->flags & flag::parked) != 0) {
    arrive();
  } else { // also when it stands in line but does not wait yet: the mail comes once it does
    references_.fetch_add(1, std::memory_order_relaxed);
    post_or_drop(*hub, this);
  }
}

// On the waiter's hub, or on a later one in its place, where nobody is `who`.
void SharedWaiter::arrive() noexcept {
  if (who.alive() && waiter != nullptr && wake(who.identity))
    waiter->granted = true;
}

// -- SharedLine ----------------------------------------------------------------------------------

void SharedLine::push_back(SharedWaiter& waiter) noexcept {
  waiter.before = last;
  (last != nullptr ? last->after : first) = &waiter;
  last = &waiter;
  ++length;
}

void SharedLine::remove(SharedWaiter& waiter) noexcept {
  (waiter.before != nullptr ? waiter.before->after : first) = waiter.after;
  (waiter.after != nullptr ? waiter.after->before : last) = waiter.before;
  waiter.before = waiter.after = nullptr;
  --length;
}

bool SharedLine::call_first() noexcept {
  SharedWaiter* waiter = first;
  if (waiter == nullptr)
    return false;
  remove(*waiter);
  ++promised;
  waiter->tell(Told::promised);
  return true;
}

void SharedLine::dismiss_all() noexcept {
  while (SharedWaiter* waiter = first) {
    remove(*waiter);
    waiter->tell(Told::dismissed);
  }
}

// -- SharedWait ----------------------------------------------------------------------------------

SharedWait::SharedWait(SharedLine& line, Waiter* waiter)
    : line_(line), shared_(new SharedWaiter(waiter)) {
  line_.push_back(*shared_);
  // As Hub::attach(), but undone here, by the hub's own thread, which does not sleep now.
  if (shared_->hub != nullptr)
    ++HubImpl::of(*shared_->hub).attachments;
}

SharedWait::~SharedWait() {
  if (shared_->answer == Told::none)
    line_.remove(*shared_);
  else if (shared_->answer == Told::promised)
    --line_.promised;
  if (shared_->hub != nullptr)
    HubImpl::of(*shared_->hub).detach();
  shared_->waiter = nullptr;
  shared_->drop();
}

Told SharedWait::park(std::unique_lock<std::mutex>& lock, const char* what, Deadline deadline) {
  if (shared_->hub == nullptr) {
    const auto told = [this] { return shared_->answer != Told::none; };
    if (deadline.is_never())
      shared_->told.wait(lock, told);
    else
      shared_->told.wait_until(
          lock,
          std::chrono::steady_clock::time_point(std::chrono::nanoseconds(deadline.nanoseconds())),
          told);
    return shared_->answer;
  }
  lock.unlock();
  try {
    park_until(what, deadline);
  } catch (...) {
    lock.lock();
    throw;
  }
  lock.lock();
  return shared_->answer;
}

// -- SharedQueueState ----------------------------------------------------------------------------

void SharedQueueState::match() noexcept {
  while (has_item() && getters.call_first()) {
  }
  if (closed)
    putters.dismiss_all();
  if (is_drained())
    getters.dismiss_all();
  while (has_room() && putters.call_first()) {
  }
}

void SharedQueueState::wait(SharedLine& line, std::unique_lock<std::mutex>& lock, const char* what,
                            Deadline deadline) {
  std::optional<Waiter> waiter;
  if (on_a_hub())
    waiter.emplace();
  SharedWait wait(line, waiter ? &*waiter : nullptr);
  switch (wait.park(lock, what, deadline)) {
  case Told::promised:
    return;
  case Told::dismissed:
    throw Closed(std::string(what) + ": the queue was closed");
  case Told::none:
    break;
  }
  throw TimeoutError(std::string(what) + ": the time has passed");
}

// -- SharedOp ------------------------------------------------------------------------------------

bool SharedOp::ready() {
  const SharedSection section(*state_);
  if (!can_have_now())
    return &line_ == &state_->getters ? state_->is_drained() : state_->closed;
  ++line_.promised; // or another thread might have it before take()
  keeps_ = true;
  return true;
}

void SharedOp::arm() {
  const SharedSection section(*state_);
  wait_.emplace(line_, &waiter_);
}

void SharedOp::disarm() {
  if (!wait_)
    return;
  const SharedSection section(*state_);
  if (waiter_.granted && wait_->answer() == Told::promised) {
    ++line_.promised;
    keeps_ = true;
  }
  wait_.reset();
}

bool SharedOp::redeem() {
  if (!keeps_)
    return false;
  keeps_ = false;
  --line_.promised;
  return true;
}

void SharedOp::give_up() {
  disarm();
  if (!keeps_)
    return;
  const SharedSection section(*state_);
  redeem();
}

} // namespace grove::detail
