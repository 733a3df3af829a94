// SPDX-License-Identifier: MIT
// relay: bytes from one stream to another, and both ways.
#pragma once

#include <cstdint>

#include <grove/hub/deadline.hpp>
#include <grove/net/stream.hpp>

namespace grove::net {

// Sends what `from` receives to `to`, up to its end; how many bytes. The deadline is one for all of
// it. Borrows a buffer while there is something to send. Throws what the streams do; an unknown
// part of what was received has been sent then.
std::uint64_t copy(Stream& from, Stream& to, Deadline deadline = {});

struct Relayed {
  std::uint64_t forth = 0; // from the first to the second
  std::uint64_t back = 0;
};

// Both ways at once, each by a greenlet: what a port forwarder does with a connection. When one
// side has no more to send, the other is told so (shutdown_write()), and may go on; it returns when
// both have ended. If one way fails, the other is ended too, and its error thrown. The streams are
// left open. A kill or a timeout ends both ways.
Relayed relay(Stream& first, Stream& second, Deadline deadline = {});

} // namespace grove::net
