// SPDX-License-Identifier: MIT
#include "database.hpp"

#include <poll.h>

#include <chrono>
#include <cstddef>

#include <grove/hub.hpp>
#include <grove/patch/patch.hpp>

using namespace std::chrono_literals;

namespace box_office {

namespace {

constexpr auto patience = 2s; // with one query, from waiting for a connection on

constexpr const char* tables[] = {
    R"(create table if not exists shows (
  id bigint generated always as identity primary key,
  name text not null,
  seats int not null,
  free int not null check (free between 0 and seats)))",
    R"(create table if not exists tickets (
  id bigint generated always as identity primary key,
  show bigint not null references shows,
  customer text not null,
  seats int not null check (seats > 0)))"};

// Each is one statement, and so one transaction.
constexpr auto insert_ticket = R"(
with taken as (update shows set free = free - $3::int where id = $1::bigint)
insert into tickets (show, customer, seats) values ($1::bigint, $2, $3::int) returning id)";

constexpr auto delete_ticket = R"(
with gone as (delete from tickets where show = $1 and id = $2 returning show, seats)
update shows set free = free + gone.seats from gone where shows.id = gone.show
returning gone.seats)";

ShowRecord to_show(const Connection::Row& row) {
  return {std::stoll(row[0]), row[1], std::stoi(row[2]), std::stoi(row[3])};
}

} // namespace

Connection::Connection(const std::string& where) : handle_(PQconnectdb(where.c_str()), PQfinish) {
  grove::patch::deliver(); // a kill, or the Timeout below, has made it fail: here it is thrown
  if (PQstatus(handle_.get()) != CONNECTION_OK)
    throw DatabaseError(PQerrorMessage(handle_.get()));
}

std::vector<Connection::Row> Connection::query(const char* text,
                                               const std::vector<std::string>& values) {
  std::vector<const char*> places;
  places.reserve(values.size());
  for (const std::string& value : values)
    places.push_back(value.c_str());
  const std::unique_ptr<PGresult, void (*)(PGresult*)> result(
      PQexecParams(handle_.get(), text, static_cast<int>(places.size()), nullptr, places.data(),
                   nullptr, nullptr, 0),
      PQclear);
  grove::patch::deliver();
  const auto status = PQresultStatus(result.get());
  if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK)
    throw DatabaseError(PQerrorMessage(handle_.get()));
  std::vector<Row> rows(static_cast<std::size_t>(PQntuples(result.get())));
  for (std::size_t row = 0; row < rows.size(); ++row) {
    for (int column = 0; column < PQnfields(result.get()); ++column)
      rows[row].emplace_back(PQgetvalue(result.get(), static_cast<int>(row), column));
  }
  return rows;
}

// Nothing was received that nobody asked for: the news that the server has gone, mostly.
bool Connection::is_fit() const {
  pollfd one{PQsocket(handle_.get()), POLLIN, 0};
  return PQtransactionStatus(handle_.get()) == PQTRANS_IDLE && poll(&one, 1, 0) == 0;
}

Database::Database(const std::string& where, std::size_t connections)
    : pool_([where] { return Connection(where); },
            {.max_size = connections,
             .is_fit = [](Connection& connection) { return connection.is_fit(); }}) {}

std::vector<Connection::Row> Database::ask(const char* text,
                                           const std::vector<std::string>& values) {
  const grove::Timeout limit(patience, DatabaseError("the database takes too long"));
  return pool_.borrow()->query(text, values);
}

void Database::create_tables() {
  for (const char* table : tables)
    ask(table);
}

Id Database::add_show(const std::string& name, int seats) {
  return std::stoll(ask("insert into shows (name, seats, free) values ($1, $2, $2) returning id",
                        {name, std::to_string(seats)})[0][0]);
}

std::vector<ShowRecord> Database::shows() {
  std::vector<ShowRecord> all;
  for (const auto& row : ask("select id, name, seats, free from shows order by id limit 1000"))
    all.push_back(to_show(row));
  return all;
}

std::optional<ShowRecord> Database::show(Id id) {
  const auto rows =
      ask("select id, name, seats, free from shows where id = $1", {std::to_string(id)});
  if (rows.empty())
    return std::nullopt;
  return to_show(rows[0]);
}

Id Database::add_ticket(Id show, const std::string& customer, int seats) {
  return std::stoll(
      ask(insert_ticket, {std::to_string(show), customer, std::to_string(seats)})[0][0]);
}

std::optional<int> Database::remove_ticket(Id show, Id ticket) {
  const auto rows = ask(delete_ticket, {std::to_string(show), std::to_string(ticket)});
  if (rows.empty())
    return std::nullopt;
  return std::stoi(rows[0][0]);
}

} // namespace box_office
