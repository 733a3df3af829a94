// SPDX-License-Identifier: MIT
// Error codes of ZeroMQ that the operating system has no number for.
#pragma once

#include <system_error>

namespace grove::zmq {

// What a std::system_error thrown by grove::zmq may carry beside the errno values of the system
// (those compare with std::errc as usual: `e.code() == std::errc::address_in_use`).
enum class Errc : int {
  wrong_state = 156384763,           // EFSM: REQ and REP must send and receive in turn
  incompatible_protocol = 156384764, // ENOCOMPATPROTO: this socket type, that transport
};

// Any thread.
const std::error_category& error_category() noexcept;
std::error_code make_error_code(Errc code) noexcept;

} // namespace grove::zmq

template <>
struct std::is_error_code_enum<grove::zmq::Errc> : std::true_type {};
