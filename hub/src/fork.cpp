// SPDX-License-Identifier: MIT
// fork(): in the child only the code that forked goes on.
//
// The child has one thread, and a copy of all memory. What would reach the parent through it is
// renewed at once, in the child's atfork handler: the epoll descriptor, eventfd and timerfd of the
// hub, the signals. Every other greenlet and actor of the hub is abandoned like at the end of a
// plain main(): it is found ended, killed, and never runs; nothing is unwound. Hubs of other
// threads, which were somewhere in the midst of something, are closed and never used again.
#include "fork.hpp"

#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include <grove/hub/detail/greenlet_state.hpp>
#include <grove/hub/detail/wait.hpp>
#include <grove/hub/log.hpp>

#include "hub_impl.hpp"
#include "signals.hpp"
#include "watchdog.hpp"

namespace grove::detail {

namespace {

void before_fork() {
  lock_registry();
  lock_watchdogs();
  lock_signals();
  lock_log();
}

void in_parent() {
  unlock_log();
  unlock_signals();
  unlock_watchdogs();
  unlock_registry();
}

void in_child() {
  HubImpl* const hub = this_hub->index == no_hub_index ? nullptr : &HubImpl::of(*this_hub);
  orphan_hubs(hub);
  forget_signals();
  if (hub != nullptr)
    hub->go_on_after_fork();
  in_parent();
}

[[noreturn]] void give_up() { // nobody to tell: fork() has succeeded
  std::fputs("grove: no descriptors for the hub of a forked child\n", stderr);
  std::abort();
}

void replace(int& fd, int fresh) {
  if (fresh < 0)
    give_up();
  ::close(fd); // the parent has its own
  fd = fresh;
}

} // namespace

void watch_for_forks() { pthread_atfork(before_fork, in_parent, in_child); }

void HubImpl::go_on_after_fork() {
  Identity* const me = state.current;
  state.run_head = nullptr;
  state.run_tail = &state.run_head;
  const auto abandon = [&](Identity* identity) {
    if (identity == me || (identity->flags & flag::finished) != 0)
      return;
    identity->context = nullptr;
    if (identity->ops->accept == nullptr) { // its handles may ask
      identity->flags = flag::live | flag::started | flag::finished;
      state_of(identity)->end = End::killed;
    } else {
      ++identity->generation;
      identity->flags = 0;
    }
  };
  identities.for_each_living(abandon);
  if (me != &main_identity) {
    main_identity.flags = flag::live | flag::started;
    survivor = {me, me->generation};
  }

  // Timeout scopes on the stack that goes on go on too.
  const char* const stack = state.context->limit;
  timers.keep_if([&](const Timer& timer) {
    const auto* at = reinterpret_cast<const char*>(&timer);
    return at >= stack && at < stack + state.context->size;
  });

  drop_watches(); // what the parent watched it watches; who goes on here begins anew
  attachments = 0;
  inbox.store(nullptr);
  thread.store(gettid());
  poller.remove(*wake_watch);
  poller.remove(*timer_watch);
  if (!poller.renew())
    give_up();
  replace(wake_fd, eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  watch_wake_fd();
  replace(timer_fd, timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
  watch_timer_fd();
  timer_armed_for = 0;
}

void HubImpl::end_orphan() {
  std::fputs("grove: in a child of fork() the greenlet that forked has ended, or waits for what "
             "nothing will bring: main is not there to go on. End such a child with _exit() or "
             "exec.\n",
             stderr);
  std::abort();
}

} // namespace grove::detail
