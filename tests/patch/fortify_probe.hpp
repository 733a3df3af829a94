// SPDX-License-Identifier: MIT
// Calls as _FORTIFY_SOURCE=3 compiles them.
#pragma once

#include <cstddef>

namespace grove::test {

long fortified_read(int fd, std::size_t size);
long fortified_recv(int fd, std::size_t size);
long fortified_recvfrom(int fd, std::size_t size);
int fortified_poll(int fd, std::size_t count, int timeout);
int fortified_ppoll(int fd, std::size_t count);

} // namespace grove::test
