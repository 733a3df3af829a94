// SPDX-License-Identifier: MIT
// Show: an actor that sells the seats of one show.
#pragma once

#include <boost/describe.hpp>

#include <optional>
#include <string>

#include <grove/actors.hpp>

#include "database.hpp"

namespace box_office {

struct Overview {
  Id id;
  std::string name;
  int seats;
  int free;
};
BOOST_DESCRIBE_STRUCT(Overview, (), (id, name, seats, free))

struct Ticket {
  Id id;
  std::string customer;
  int seats;
};
BOOST_DESCRIBE_STRUCT(Ticket, (), (id, customer, seats))

struct Look {};
struct Sell {
  std::string customer;
  int seats;
};
struct TakeBack {
  Id ticket;
};

class SoldOut : public grove::Rejected {
  using Rejected::Rejected;
};
class NoSuchTicket : public grove::Rejected {
  using Rejected::Rejected;
};

// It knows how many seats are free, and is the only one to sell them: one message after the other,
// while it waits for the database too. So no seat is sold twice, and nothing is locked.
//
// What it knows is what the database has. When that fails in the middle of a change nobody can say
// what is true: the error ends the actor, its supervisor puts a new one in its place, and that
// reads the truth when it is first asked.
class Show : public grove::Actor {
public:
  Show(Database* database, Id id) : database_(database), id_(id) {}

  Overview receive(const Look&);
  Ticket receive(const Sell& order);
  void receive(const TakeBack& order);

private:
  ShowRecord& record();

  Database* database_;
  Id id_;
  std::optional<ShowRecord> record_; // once it is known
};

} // namespace box_office
