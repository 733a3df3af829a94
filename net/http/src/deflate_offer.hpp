// SPDX-License-Identifier: MIT
// How permessage-deflate is agreed on: RFC 7692, 5 and 7.1. Never with context takeover: no memory
// is held between messages.
#pragma once

#include <string>

#include <grove/http/fields.hpp>

#include "websocket_core.hpp"

namespace grove::http::detail {

// Server: the answer to the first offer that can be taken; empty if there is none. Neither side is
// to have a window of more than 2^`bits` bytes, if the client leaves that to us.
std::string accept_deflate(const Fields& fields, int bits, Agreement& agreement);

// Client: what is offered, and whether the server's answer is one to that.
std::string deflate_offer(int bits);
bool takes_deflate(const Fields& fields, int bits, Agreement& agreement);

} // namespace grove::http::detail
