// SPDX-License-Identifier: MIT
// The REST interface.
#pragma once

#include <grove/http.hpp>

#include "office.hpp"

namespace box_office {

//   GET    /shows              [{"id":1,"name":"Hamlet","seats":100,"free":97}, ...]
//   POST   /shows              {"name":"Hamlet","seats":100}: 201
//   GET    /shows/1            {"id":1,"name":"Hamlet","seats":100,"free":97}
//   POST   /shows/1/tickets    {"customer":"ann","seats":3}: 201 and {"id":7,...}; 409 if they are
//   sold DELETE /shows/1/tickets/7  204
//
// 404 for what there is not, 503 when the database does not answer.
grove::http::Router api(Database& database, grove::ActorRef<Office> office);

} // namespace box_office
