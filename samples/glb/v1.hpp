// SPDX-License-Identifier: MIT
// The first version of the interface: what is under /v1.
#pragma once

#include <grove/http.hpp>

#include "ports.hpp"
#include "settings.hpp"

namespace glb {

//   GET    /ports           {"range":[50000,61000],"ports":[{"port":50000,"service":"web"}, ...]}
//   POST   /ports           {"service":"web"}: 201 and {"port":50000,"service":"web"}
//   GET    /ports/50000     {"port":50000,"service":"web"}; 404 if nobody has it
//   DELETE /ports/50000     204; 404 if nobody has it
//
// 503 while Redis is away, and when no port is free.
grove::http::Router v1(const Settings& settings, Ports& ports);

} // namespace glb
