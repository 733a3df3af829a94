// SPDX-License-Identifier: MIT
// The frames that libzmq sends to a monitor.
#pragma once

#include <optional>
#include <span>

#include <grove/zmq/message.hpp>
#include <grove/zmq/monitor.hpp>

namespace grove::zmq::detail {

// Nothing if they are no event: two frames, the first of a kind (16 bits) and a value (32 bits) in
// the order of this machine, the second of the endpoint.
std::optional<MonitorEvent> parse_monitor_frames(std::span<const Message> frames);

} // namespace grove::zmq::detail
