// SPDX-License-Identifier: MIT
// /websocket: news as it happens.
#pragma once

#include <grove/http.hpp>

#include "feed.hpp"

namespace glb {

// Sends how things are, then what happens, until the other side has enough of it.
void handle_websocket(grove::http::WebSocket& socket, Feed& feed);

} // namespace glb
