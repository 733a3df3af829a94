// SPDX-License-Identifier: MIT
// patch: libc's blocking calls give way, so that C clients (hiredis, libpq, libcurl) are green.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <grove/hub/detail/wait.hpp>

namespace grove::patch {

// What is made cooperative: see docs/patching.md for the calls of each.
struct Options {
  bool sockets = true; // connect, accept, recv, send and their kin; read and write on sockets
  bool streams = true; // read and write on pipes, terminals and whatever else epoll knows
  bool polling = true; // poll, select, epoll_wait
  bool sleeping = true;
  bool names = true; // getaddrinfo and its elders
};

// From here on those calls, made by a greenlet of any hub, by whatever library, let others run
// instead of blocking the thread. Everything else is as before: descriptors keep their flags,
// whoever has set O_NONBLOCK gets EAGAIN, SO_RCVTIMEO and SO_SNDTIMEO hold, and on a thread without
// a hub, in a signal handler and in a child of vfork() the calls go to the kernel. Call it once,
// early in main(); again, to change the options. Any thread.
//
// A kill, or a Timeout scope that runs out, is not thrown through the frames of C code: the call
// fails with ECANCELED, and what was held back is thrown at the next suspension point, or by
// deliver(). A call on a descriptor that is closed by another greenlet fails with EBADF. None fails
// with EINTR.
//
// std::logic_error if some of the calls would not come here: it names them, and the libraries whose
// calls go elsewhere.
// Under sanitizers, which hook the same calls, it says so on stderr and does nothing.
void all(const Options& options = {});
// Whether all() has been called, and has done something.
bool active();

// Throws what a failed call has held back, if anything: what to call when a C client reports an
// error.
inline void deliver() { detail::check_interrupts(); }

// How often a call was made, by anybody, and how often it waited green. Any thread; not exact where
// several threads make the same call at once.
struct CallCount {
  std::string_view call;
  std::uint64_t made = 0;
  std::uint64_t waited = 0;
};
std::vector<CallCount> counts();
// Of one of them; std::invalid_argument if it is none.
CallCount count(std::string_view call);

// The self-test of all(): what is wrong, a line for each; empty if every call comes here. Libraries
// that are loaded later (dlopen) can be checked by calling it again.
std::vector<std::string> faults();

} // namespace grove::patch
