// SPDX-License-Identifier: MIT
// Sockets, servers, TLS, DNS and HTTP arrive with a later release; until then grove::net is empty.
#pragma once

#include <grove/hub.hpp>
