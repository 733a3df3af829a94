// SPDX-License-Identifier: MIT
// libzmq's errors as exceptions.
#pragma once

#include <string>
#include <system_error>

namespace grove::zmq::detail {

// What zmq_errno() said, in the category that knows it.
std::error_code code_of(int error) noexcept;

// Throws Closed when the socket or its context is gone, else std::system_error:
// "bind tcp://127.0.0.1:5555: Address already in use".
[[noreturn]] void fail(int error, const std::string& what);

} // namespace grove::zmq::detail
