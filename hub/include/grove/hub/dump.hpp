// SPDX-License-Identifier: MIT
// dump(): who lives on this hub, what each waits for, and where; by a call or by a signal.
#pragma once

#include <csignal>
#include <iosfwd>

#include <grove/hub/signal.hpp>

namespace grove {

// Prints the living greenlets and actors of the calling thread's hub: id, name, kind, state, what a
// parked one waits for, who could wake it (where that is known) and since when it waits, the use of
// its stack, the types of the tree-local values (with the first of their tree), and its back trace;
// children below their parents. A parent that has ended is shown as long as somebody has a handle
// to it; without one its children stand at the left. "Touched" counts the pages that the stack ever
// used, by whichever greenlets it hosted. Never waits. std::logic_error on a thread without a hub.
void dump(std::ostream& out);

// To look into a running process: while the watch lives, each coming of the signal writes the dump
// of this hub to stderr, in one piece, as on_signal() does what it does: by a greenlet, so a hub
// that is blocked writes nothing (see Watchdog).
//
//   const auto watch = grove::dump_on_signal(); // kill -USR1 ...
[[nodiscard]] SignalWatch dump_on_signal(int signal = SIGUSR1);

} // namespace grove
