// SPDX-License-Identifier: MIT
// The slow half of the ZMQ_EVENTS protocol: standing in line.
#include "edge.hpp"

#include <chrono>
#include <utility>

namespace grove::zmq::detail {

using grove::detail::Waiter;

namespace {

// How often ZMQ_EVENTS may say "ready" while the operation says "again" before we stop believing
// it. (A ROUTER with router_mandatory is ready when any peer has room, and refuses for one that has
// none.) From then on the descriptor alone wakes us, and, because our last attempt and the last
// reading may have swallowed each other's commands, a glance every now and then.
constexpr int contradictions_believed = 2;
constexpr std::chrono::milliseconds glance{10};
constexpr std::chrono::milliseconds soon{0};

} // namespace

// -- calls -------------------------------------------------------------------------------------

Outcome Edge::wait(Direction d, const char* what, Deadline deadline, AttemptRef attempt,
                   Outcome outcome) {
  if (budget_ == 0) {
    rested();
    if (outcome == Outcome::again)
      settle(); // that attempt may have swallowed others' news, and we may not return from here
    grove::detail::yield_now();
    if (closed_)
      return Outcome::closed;
    outcome = Outcome::busy; // what was tried is out of date: others may have handled commands
  }
  bool turn = idle(d);
  bool first_in_line = turn;
  bool tried = outcome == Outcome::again && turn;
  bool woken = false;
  for (;;) {
    bool doubtful = false;
    std::chrono::nanoseconds gathering{0};
    if (turn) {
      line(d).taken = true;
      for (int contradictions = 0;; ++contradictions) {
        if (!tried && attempt() == Attempt::done) {
          line(d).taken = false;
          if (wants_news(other(d)) || !line(d).watchers.empty())
            look(); // serves our own line too
          else
            pass_on(d);
          return Outcome::done;
        }
        counts_.again += !tried;
        counts_.spurious += woken;
        tried = woken = false;
        if (contradictions == 0) {
          gathering = pause(d, deadline);
          if (gathering != gathering.zero())
            break; // unseen whether it is ready by now: all the more will be
        }
        // A receive that says "again" has just handled the commands, and seen what they brought.
        if (d == Direction::receive && !wants_news(other(d)))
          break;
        const unsigned ready = look(true); // P66: also makes a throttled send handle commands
        if ((ready & bit(d)) == 0)
          break;
        if (contradictions == contradictions_believed) {
          doubtful = true;
          break;
        }
      }
      line(d).taken = false;
    }

    // Whatever ends the wait, the line is left in order: by return, continue or exception.
    struct Stand {
      Edge& edge;
      Direction direction;
      bool doubtful;
      Waiter waiter{};
      ~Stand() {
        waiter.unlink();
        if (edge.closed_)
          return;
        if (doubtful && !waiter.granted)
          edge.pass_on(direction);
        edge.update_watch();
      }
    } stand{*this, d, doubtful};
    if (first_in_line)
      line(d).waiters.push_front(stand.waiter);
    else
      line(d).waiters.push_back(stand.waiter);
    turn = false;
    if (gathering != gathering.zero())
      gather(gathering);
    else
      update_watch();
    if (doubtful)
      doubt();
    grove::detail::park_until(what, deadline);

    if (closed_)
      return Outcome::closed; // even when it was granted the turn just before
    rested();
    if (!stand.waiter.granted)
      return Outcome::timeout;
    turn = first_in_line = woken = true;
  }
}

// -- operations --------------------------------------------------------------------------------

bool Edge::try_now(Direction d, Errand& errand) noexcept {
  if (closed_)
    return true;
  errand.doubtful = false;
  errand.seen = acts_; // a line that others stand in was looked at
  if (!idle(d))
    return false;
  budget_ -= budget_ > 0;
  for (int contradictions = 0;; ++contradictions) {
    ++acts_;
    if (errand.attempt() == Attempt::done) {
      settle();
      return true;
    }
    ++counts_.again;
    const unsigned ready = look(true);
    errand.seen = acts_;
    if ((ready & bit(d)) == 0)
      return false;
    if (contradictions == contradictions_believed) {
      errand.doubtful = true;
      return false;
    }
  }
}

void Edge::stand(Direction d, Waiter& waiter, const Errand& errand) noexcept {
  line(d).waiters.push_back(waiter);
  update_watch();
  if (errand.doubtful)
    doubt();
  look_before_parking(errand.seen);
}

void Edge::leave(Direction d, Waiter& waiter, const Errand& errand) noexcept {
  waiter.unlink();
  if (closed_)
    return;
  if (errand.doubtful && !waiter.granted)
    pass_on(d);
  update_watch();
}

// -- watchers ----------------------------------------------------------------------------------

bool Edge::is_ready(Direction d, std::uint64_t& seen) noexcept {
  if (closed_)
    return true;
  seen = acts_;
  if (budget_ == 0) { // let others run: it looks again when it stands, and is told at the next poll
    rested();
    ++acts_;
    return false;
  }
  const unsigned ready = look(true);
  seen = acts_;
  if ((ready & bit(d)) == 0)
    return false;
  --budget_;
  return true;
}

void Edge::stand_by(Direction d, Waiter& waiter, std::uint64_t seen) noexcept {
  line(d).watchers.push_back(waiter);
  update_watch();
  look_before_parking(seen);
}

void Edge::leave(Waiter& waiter) noexcept {
  waiter.unlink();
  if (!closed_)
    update_watch();
}

// Another operation of the same wait may have handled commands since this one looked. It is not
// parked yet, and so can be neither served nor woken: the hub does it when it is.
void Edge::look_before_parking(std::uint64_t seen) noexcept {
  if (seen == acts_)
    return;
  const unsigned ready = events();
  if (((ready & bit(Direction::receive)) != 0 && stands(Direction::receive)) ||
      ((ready & bit(Direction::send)) != 0 && stands(Direction::send))) {
    port_.remind(soon);
  }
}

// -- news --------------------------------------------------------------------------------------

unsigned Edge::events() noexcept {
  ++acts_;
  ++counts_.looks;
  return port_.events();
}

// Serves whoever the news is for. Returns the last reading; with `fresh` nothing was tried since.
unsigned Edge::look(bool fresh) noexcept {
  for (int refusals = 0;;) {
    const unsigned ready = events();
    bool tried = false;
    Errand* refused[2] = {};
    for (const Direction d : {Direction::receive, Direction::send}) {
      if ((ready & bit(d)) == 0)
        continue;
      counts_.wake_ups += line(d).watchers.grant_all();
      const Served served = serve(d);
      tried |= served.tried;
      refused[static_cast<unsigned>(d)] = served.refused;
    }
    if (!tried || (!fresh && !anybody()))
      return ready;
    if (refused[0] == nullptr && refused[1] == nullptr)
      continue;
    if (refusals++ == contradictions_believed) {
      for (Errand* errand : refused) {
        if (errand != nullptr)
          errand->doubtful = true;
      }
      doubt();
      return ready;
    }
  }
}

// The next in line tries: that is cheaper than to ask whether it would succeed. A call gets the
// turn, and does so when it runs; for operations it is done here.
Edge::Served Edge::serve(Direction d) noexcept {
  Line& l = line(d);
  Served served;
  while (!l.taken) {
    Waiter* const first = l.waiters.first_parked();
    if (first == nullptr)
      break;
    if (first->item == nullptr) {
      l.taken = l.waiters.grant_one();
      ++counts_.wake_ups;
      break;
    }
    auto* const errand = static_cast<Errand*>(first->item);
    served.tried = true;
    ++acts_;
    if (errand->attempt() == Attempt::again) {
      ++counts_.again;
      served.refused = errand;
      break;
    }
    l.waiters.grant_one();
    ++counts_.wake_ups;
  }
  return served;
}

void Edge::pass_on(Direction d) noexcept {
  if (serve(d).tried && anybody())
    look();
}

void Edge::doubt() noexcept {
  doubt_ = true;
  port_.remind(glance);
}

// For how long who was refused should gather. Not if the deadline would come before it is looked
// for what has.
std::chrono::nanoseconds Edge::pause(Direction d, Deadline deadline) noexcept {
  if (watching_ || closed_)
    return {};
  const std::chrono::nanoseconds pause = port_.pause(d);
  return Deadline(2 * pause).nanoseconds() > deadline.nanoseconds() ? pause.zero() : pause;
}

// Instead of update_watch().
void Edge::gather(std::chrono::nanoseconds pause) noexcept {
  ++counts_.gathers;
  watching_ = gathering_ = true;
  port_.remind(pause);
}

void Edge::on_reminder() noexcept {
  counts_.glances += doubt_;
  doubt_ = false;
  look();
  if (gathering_)
    update_watch();
}

void Edge::update_watch() noexcept {
  if (closed_)
    return;
  const bool wanted = anybody();
  if (std::exchange(gathering_, false))
    watching_ = !wanted; // whichever it is to be, it is not yet
  if (wanted == watching_)
    return;
  watching_ = wanted;
  doubt_ = doubt_ && wanted;
  port_.watch(wanted);
}

void Edge::close() noexcept {
  if (closed_)
    return;
  closed_ = true;
  if (watching_)
    port_.watch(false);
  watching_ = false;
  for (Line& l : lines_) {
    l.waiters.break_all();
    l.watchers.break_all();
  }
}

} // namespace grove::zmq::detail
