// SPDX-License-Identifier: MIT
// The opening handshake of WebSockets: RFC 6455, section 4.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <grove/http/fields.hpp>
#include <grove/http/request.hpp>

namespace grove::http::detail {

// Of a key the proof that it was understood.
std::string accept_of(std::string_view key);
// A fresh one, for a client.
std::string fresh_key();

// The proof for a request that asks for a WebSocket rightly; else Error 400 or 426.
std::string checked_key(const Request& request);
// Error 403 for a page that is not let in.
void check_origin(const Request& request, const std::vector<std::string>& allowed);
// The best of ours that the client speaks; empty if there is none.
std::string chosen_protocol(const Fields& fields, const std::vector<std::string>& ours);

} // namespace grove::http::detail
