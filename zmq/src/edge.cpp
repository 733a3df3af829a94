// SPDX-License-Identifier: MIT
// The slow half of the ZMQ_EVENTS protocol: standing in line.
#include "edge.hpp"

#include <chrono>

namespace grove::zmq::detail {

using grove::detail::Wake;

namespace {

// How often ZMQ_EVENTS may say "ready" while the operation says "again" before we stop believing
// it. (A ROUTER with router_mandatory is ready when any peer has room, and refuses for one that has
// none.) From then on the descriptor alone wakes us, and, because our last attempt and the last
// reading may have swallowed each other's commands, a glance every now and then.
constexpr int contradictions_believed = 2;
constexpr auto glance = std::chrono::milliseconds(10);

} // namespace

Outcome Edge::wait(Direction d, const char* what, Deadline deadline, AttemptRef attempt,
                   Outcome outcome) {
  if (budget_ == 0) {
    budget_ = operations_per_turn;
    grove::detail::yield_now();
    if (closed_)
      return Outcome::closed;
    outcome = Outcome::busy; // what was tried is out of date: others may have handled commands
  }
  bool turn = idle(d);
  bool first_in_line = turn;
  bool tried = outcome == Outcome::again && turn;
  for (;;) {
    bool doubtful = false;
    if (turn) {
      for (int contradictions = 0;; ++contradictions) {
        if (!tried && attempt() == Attempt::done) {
          finish(d);
          return Outcome::done;
        }
        tried = false;
        // A receive that says "again" has just handled the commands, and seen what they brought.
        if (d == Direction::receive && !waits(other(d)))
          break;
        const unsigned ready = port_.events(); // P66: also makes a throttled send handle commands
        if ((ready & bit(other(d))) != 0)
          grant(other(d));
        if ((ready & bit(d)) == 0)
          break;
        if (contradictions == contradictions_believed) {
          doubtful = true;
          break;
        }
      }
    }

    // Whatever ends the wait, the line is left in order: by return, continue or exception.
    struct Stand {
      Edge& edge;
      Direction direction;
      bool pass_on_doubt;
      grove::detail::Waiter waiter{};
      ~Stand() {
        waiter.unlink();
        if (edge.closed_)
          return;
        if (pass_on_doubt && !waiter.granted)
          edge.grant(direction);
        edge.update_watch();
      }
    } stand{*this, d, doubtful};
    if (first_in_line)
      line(d).waiters.push_front(stand.waiter);
    else
      line(d).waiters.push_back(stand.waiter);
    if (turn)
      line(d).taken = false;
    turn = false;
    update_watch();
    const Deadline until = doubtful ? earlier(deadline, Deadline(glance)) : deadline;
    const Wake why = grove::detail::park_until(what, until);

    if (closed_)
      return Outcome::closed; // even when it was granted the turn just before
    budget_ = operations_per_turn;
    if (stand.waiter.granted) {
      turn = first_in_line = true;
    } else if (why == Wake::timeout && doubtful && !deadline.has_passed()) {
      // Only a glance. Our place is still the first, unless the next was granted the turn.
      stand.pass_on_doubt = false;
      turn = !line(d).taken;
    } else {
      return Outcome::timeout;
    }
  }
}

void Edge::grant(Direction d) noexcept {
  Line& l = line(d);
  if (!l.taken && l.waiters.grant_one())
    l.taken = true;
}

void Edge::look() noexcept {
  const unsigned ready = port_.events();
  if ((ready & bit(Direction::receive)) != 0)
    grant(Direction::receive);
  if ((ready & bit(Direction::send)) != 0)
    grant(Direction::send);
}

// The next in line tries for itself: that is cheaper than to ask whether it would succeed.
void Edge::finish(Direction d) noexcept {
  line(d).taken = false;
  if (waits(other(d)))
    look();
  grant(d);
}

void Edge::update_watch() noexcept {
  const bool wanted =
      !line(Direction::receive).waiters.empty() || !line(Direction::send).waiters.empty();
  if (wanted == watching_ || closed_)
    return;
  watching_ = wanted;
  port_.watch(wanted);
}

void Edge::close() noexcept {
  if (closed_)
    return;
  closed_ = true;
  if (watching_)
    port_.watch(false);
  watching_ = false;
  line(Direction::receive).waiters.break_all();
  line(Direction::send).waiters.break_all();
}

} // namespace grove::zmq::detail
