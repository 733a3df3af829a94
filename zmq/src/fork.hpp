// SPDX-License-Identifier: MIT
// fork(): nothing of libzmq works in the child, whose I/O threads are the parent's.
#pragma once

#include <mutex>

namespace grove::zmq::detail {

// How often this process, or what it was before, was a child. What was made under another number is
// the parent's: it is neither used nor ended here.
extern constinit unsigned forks;
void watch_for_forks(); // once per process, before anything is made

// std::logic_error: "grove: CALL: ... made before fork()".
[[noreturn]] void throw_of_the_parent(const char* what);

// Held over a fork, and so free in the child.
extern constinit std::mutex process_mutex;

} // namespace grove::zmq::detail
