// SPDX-License-Identifier: MIT
// read and write where the descriptor is no socket: pipes, terminals, eventfds.
#pragma once

#include <sys/uio.h>

namespace grove::patch {

// What read() and readv(), write() and writev() do then. A regular file goes to the kernel.
ssize_t read_stream(bool vector, int fd, const iovec* parts, int count);
ssize_t write_stream(bool vector, int fd, const iovec* parts, int count);

} // namespace grove::patch
