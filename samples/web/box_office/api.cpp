// SPDX-License-Identifier: MIT
#include "api.hpp"

#include <boost/describe.hpp>
#include <fmt/core.h>

#include <chrono>
#include <string>
#include <vector>

#include <grove/http/json.hpp>

using namespace std::chrono_literals;
namespace http = grove::http;

namespace box_office {

namespace {

constexpr auto patience = 3s; // with an actor: longer than it has with the database

// What comes as JSON.
struct NewShow {
  std::string name;
  int seats;
};
BOOST_DESCRIBE_STRUCT(NewShow, (), (name, seats))

struct Order {
  std::string customer;
  int seats;
};
BOOST_DESCRIBE_STRUCT(Order, (), (customer, seats))

void check(const std::string& name, int seats) {
  if (name.empty() || name.size() > 200 || name.find('\0') != std::string::npos)
    throw http::Error(422, "a name has 1 to 200 bytes");
  if (seats < 1 || seats > 1'000'000)
    throw http::Error(422, "there is no such number of seats");
}

// What the domain throws, in words of HTTP.
http::Response translate_errors(http::Request& request, const http::Handler& next) {
  try {
    return next(request);
  } catch (const SoldOut& error) {
    throw http::Error(409, error.what());
  } catch (const NoSuchTicket& error) {
    throw http::Error(404, error.what());
  } catch (const DatabaseError& error) {
    fmt::print(stderr, "box_office: {}\n", error.what());
    throw http::Error(503, "the database does not answer", {{"Retry-After", "1"}});
  } catch (const grove::AskTimeout&) {
    throw http::Error(503, "this takes too long", {{"Retry-After", "1"}});
  }
}

class Api {
public:
  Api(Database& database, grove::ActorRef<Office> office) : database_(database), office_(office) {}

  http::Response list() const {
    std::vector<Overview> all;
    for (const ShowRecord& show : database_.shows())
      all.push_back({show.id, show.name, show.seats, show.free});
    return http::json_response(all);
  }
  http::Response add(http::Request& request) const {
    const auto show = http::read_json<NewShow>(request);
    check(show.name, show.seats);
    const Id id = database_.add_show(show.name, show.seats);
    return http::json_response(Overview{id, show.name, show.seats, show.seats}, 201)
        .set("Location", fmt::format("/shows/{}", id));
  }
  http::Response look(Id id) const { return http::json_response(show(id).ask(Look{}, patience)); }
  http::Response sell(http::Request& request, Id id) const {
    const auto order = http::read_json<Order>(request);
    check(order.customer, order.seats);
    const Ticket ticket = show(id).ask(Sell{order.customer, order.seats}, patience);
    return http::json_response(ticket, 201)
        .set("Location", fmt::format("/shows/{}/tickets/{}", id, ticket.id));
  }
  http::Response take_back(Id id, Id ticket) const {
    show(id).ask(TakeBack{ticket}, patience);
    return http::Response(204);
  }

private:
  grove::ActorRef<Show> show(Id id) const {
    if (const auto known = office_.ask(Find{id}, patience))
      return *known;
    if (!database_.show(id)) // asked here, and not by the office: others need not wait for it
      throw http::Error(404, fmt::format("there is no show {}", id));
    return office_.ask(Open{id}, patience);
  }

  Database& database_;
  grove::ActorRef<Office> office_;
};

} // namespace

http::Router api(Database& database, grove::ActorRef<Office> office) {
  const Api api(database, office);
  http::Router router;
  router.use(translate_errors);
  router.get("/shows", [api](http::Request&) { return api.list(); });
  router.post("/shows", [api](http::Request& request) { return api.add(request); });
  router.get("/shows/{id}", [api](http::Request&, Id id) { return api.look(id); });
  router.post("/shows/{id}/tickets",
              [api](http::Request& request, Id id) { return api.sell(request, id); });
  router.del("/shows/{id}/tickets/{ticket}",
             [api](http::Request&, Id id, Id ticket) { return api.take_back(id, ticket); });
  return router;
}

} // namespace box_office
