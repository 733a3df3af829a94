// SPDX-License-Identifier: MIT
// A box office: a REST service over PostgreSQL, whose shows are actors.
//
//   request -> api.cpp    what it means, in words of the domain; errors, in words of HTTP
//           -> office.cpp the supervisor: which actor is the show's
//           -> show.cpp   the actor: the rules, one message after the other
//           -> database.cpp libpq, which blocks; patched, it gives way
#include <cstddef>
#include <string>

#include <grove/http.hpp>
#include <grove/patch/patch.hpp>

#include "../../net/common.hpp"
#include "api.hpp"
#include "database.hpp"
#include "office.hpp"

namespace http = grove::http;

int main(int argc, char** argv) {
  CLI::App app{"Sells tickets: a REST service over PostgreSQL."};
  std::uint16_t port = 8000;
  std::string where = "host=127.0.0.1 dbname=postgres";
  std::size_t connections = 10;
  sample::add_port(app, port);
  app.add_option("--database", where, "libpq's connection string")->capture_default_str();
  app.add_option("--connections", connections, "to the database, at most")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  return sample::run(app, argc, argv, [&] {
    grove::patch::all();
    box_office::Database database(where, connections);
    database.create_tables();
    const auto office = grove::spawn<box_office::Office>(&database);
    http::Server server(grove::net::Address::loopback(port), box_office::api(database, office),
                        {.error_page = http::json_error_page});
    server.start();
    fmt::print("box_office: at {}\n", server.address().to_string());
    server.serve_forever();
    return 0;
  });
}
