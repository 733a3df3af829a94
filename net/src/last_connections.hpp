// SPDX-License-Identifier: MIT
// What becomes of the connections that wait at a listener.
#pragma once

#include <vector>

#include <grove/net/listener.hpp>
#include <grove/net/stream_socket.hpp>

namespace grove::net::detail {

// All that wait at a listener which is about to be closed, and which nobody shares; also while a
// greenlet waits for one. From now on the kernel makes no new ones: else one that comes between the
// last accept(2) and close(2) would be reset although its client was told that it is connected.
std::vector<StreamSocket> last_connections(const Listener& listener);

// So that the peer is told that nothing will come.
void reset(StreamSocket socket) noexcept;
// Does that to one that waits. False if none does, or it cannot be had.
bool reset_one(int listener) noexcept;

} // namespace grove::net::detail
