// SPDX-License-Identifier: MIT
// dump(): who lives on this hub, what each waits for, and where.
#pragma once

#include <iosfwd>

namespace grove {

// Prints the living greenlets and actors of the calling thread's hub: id, name, kind, state, what a
// parked one waits for, who could wake it (where that is known) and since when it waits, the use of
// its stack, and its back trace; children below their parents. "Touched" counts the pages that the
// stack ever used, by whichever greenlets it hosted. Never waits. std::logic_error on a thread
// without a hub.
//
// To look into a running process: on_signal(SIGUSR1, [] { grove::dump(std::cerr); });
void dump(std::ostream& out);

} // namespace grove
