// SPDX-License-Identifier: MIT
// Waiting until a file descriptor can be read or written.
#pragma once

#include <grove/hub/deadline.hpp>

namespace grove {

// Waits until reading (writing) `fd` would not block, or it has hung up or failed. False if the
// deadline came first. One greenlet at a time may wait for each direction of a descriptor:
// std::logic_error for a second. std::system_error if the descriptor is not open, or is a regular
// file (EPERM: those never block). A kill or a Timeout scope leaves the descriptor as it was.
// Hub-local: a descriptor is waited for on one hub at a time.
bool wait_readable(int fd, Deadline deadline = {});
bool wait_writable(int fd, Deadline deadline = {});

// Closes `fd` so that whoever waits for it is woken, with std::system_error ECANCELED. Descriptors
// that were ever waited for must be closed this way: the hub remembers them by number.
void close_descriptor(int fd);

} // namespace grove
