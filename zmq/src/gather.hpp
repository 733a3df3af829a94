// SPDX-License-Identifier: MIT
// Gather: whether the receiver of a stream had better wait for a batch than for the next message,
// or its sender for plenty of room.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace grove::zmq::detail {

// Whoever looks as soon as something has come stays on the writer's heels: they wake each other for
// a few messages, and fight for the cache lines of libzmq's pipe. Whoever stays away for a moment
// finds a batch, and both are quicker; unless the writer waits for an answer, or for room. The same
// goes for a writer that finds no room, and does not look whether there is some by now. It is found
// out by trying: after some usual waits come some that pause, and if a message took no longer with
// them, many more.
//
// Nobody pauses who goes both ways on the same socket, or moves less than a message in 10 us; and a
// pause that brought but one message is the last for a while.
class Gather {
public:
  static constexpr std::chrono::nanoseconds pause = std::chrono::microseconds(50);
  static constexpr std::uint64_t fewest_usual = 8; // waits; as many pauses are a trial
  static constexpr std::uint64_t most_usual = 4096;
  static constexpr std::uint64_t pauses = 128; // until it is tried anew

  // Somebody is about to wait in this direction, at the time `now`, in nanoseconds; until then so
  // many messages have gone this way, and the other. Whether it should pause.
  bool before_wait(std::int64_t now, std::uint64_t moved, std::uint64_t other_way) noexcept {
    ++waits_;
    const std::uint64_t brought = moved - last_moved_;
    last_moved_ = moved;
    if (other_way != last_other_way_ || began_ == 0) {
      last_other_way_ = other_way;
      enter(Phase::usual, now, moved);
    } else if (phase_ != Phase::usual && brought <= 1) {
      give_up(now, moved);
    } else if (waits_ == length_) {
      judge(now, moved);
    }
    return phase_ != Phase::usual;
  }

private:
  enum class Phase : std::uint8_t { usual, trial, gather };

  void judge(std::int64_t now, std::uint64_t moved) noexcept {
    const auto time = static_cast<double>(now - began_);
    const auto messages = static_cast<double>(std::max<std::uint64_t>(moved - moved_, 1));
    const double each = time / messages;
    constexpr double slow = 10'000;
    constexpr double no_longer = 17.0 / 16; // trials are short, and the figures vary
    if (phase_ == Phase::usual) {
      usual_each_ = each;
      enter(each < slow ? Phase::trial : Phase::usual, now, moved);
    } else if (each > usual_each_ * no_longer) {
      give_up(now, moved);
    } else {
      usual_ = fewest_usual;
      enter(phase_ == Phase::trial ? Phase::gather : Phase::usual, now, moved);
    }
  }
  void give_up(std::int64_t now, std::uint64_t moved) noexcept {
    usual_ = std::min(2 * usual_, most_usual);
    enter(Phase::usual, now, moved);
  }
  void enter(Phase phase, std::int64_t now, std::uint64_t moved) noexcept {
    phase_ = phase;
    length_ = phase == Phase::usual ? usual_ : phase == Phase::trial ? fewest_usual : pauses;
    waits_ = 0;
    began_ = now;
    moved_ = moved;
  }

  Phase phase_ = Phase::usual;
  std::uint64_t usual_ = fewest_usual; // how many waits until the next trial
  std::uint64_t length_ = fewest_usual;
  std::uint64_t waits_ = 0; // in this phase
  std::int64_t began_ = 0;  // this phase; 0: not one has
  std::uint64_t moved_ = 0; // when it began
  std::uint64_t last_moved_ = 0, last_other_way_ = 0;
  double usual_each_ = 0; // nanoseconds for a message without pauses
};

} // namespace grove::zmq::detail
