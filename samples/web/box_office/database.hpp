// SPDX-License-Identifier: MIT
// Database: PostgreSQL by libpq, the C client, which blocks. Patched, it waits green: as many
// queries are under way as there are connections, on one thread.
#pragma once

#include <libpq-fe.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include <grove/net/connection_pool.hpp>

namespace box_office {

// It is away, too slow, or did not like what it was told. What a query that was under way has
// changed is unknown.
class DatabaseError : public std::runtime_error {
  using runtime_error::runtime_error;
};

// One session.
class Connection {
public:
  using Row = std::vector<std::string>;

  explicit Connection(const std::string& where);
  // The values take the places of $1, $2, ... in the text.
  std::vector<Row> query(const char* text, const std::vector<std::string>& values = {});
  bool is_fit() const;

private:
  std::unique_ptr<PGconn, void (*)(PGconn*)> handle_;
};

using Id = std::int64_t;

struct ShowRecord {
  Id id;
  std::string name;
  int seats;
  int free;
};

// What there is to know and to be changed, in words of the box office. All calls wait, and throw
// DatabaseError.
class Database {
public:
  Database(const std::string& where, std::size_t connections);

  void create_tables(); // where there are none yet
  Id add_show(const std::string& name, int seats);
  std::vector<ShowRecord> shows();
  std::optional<ShowRecord> show(Id id);
  Id add_ticket(Id show, const std::string& customer, int seats);
  // How many seats it was for; nothing if there is no such ticket.
  std::optional<int> remove_ticket(Id show, Id ticket);

private:
  std::vector<Connection::Row> ask(const char* text, const std::vector<std::string>& values = {});

  grove::net::ConnectionPool<Connection> pool_;
};

} // namespace box_office
