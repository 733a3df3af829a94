// SPDX-License-Identifier: MIT
// Many greenlets share a few connections to PostgreSQL: a pool is a queue of blocking libpq
// connections, which patching makes green.
#include <fmt/core.h>
#include <libpq-fe.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include <grove/hub.hpp>
#include <grove/patch/patch.hpp>

#include "../options.hpp"

namespace {

class Connection {
public:
  explicit Connection(const std::string& where) : handle_(PQconnectdb(where.c_str()), PQfinish) {
    grove::patch::deliver();
    if (PQstatus(handle_.get()) != CONNECTION_OK)
      throw std::runtime_error(PQerrorMessage(handle_.get()));
  }
  // The first column of the first row.
  std::string query(const std::string& text) {
    const std::unique_ptr<PGresult, void (*)(PGresult*)> result(PQexec(handle_.get(), text.c_str()),
                                                                PQclear);
    grove::patch::deliver(); // a kill or a Timeout has made it fail: here it is thrown
    if (PQresultStatus(result.get()) != PGRES_TUPLES_OK)
      throw std::runtime_error(PQerrorMessage(handle_.get()));
    return PQgetvalue(result.get(), 0, 0);
  }
  bool is_idle() const { return PQtransactionStatus(handle_.get()) == PQTRANS_IDLE; }

private:
  std::unique_ptr<PGconn, void (*)(PGconn*)> handle_;
};

// Makes connections when they are needed, up to so many. Whoever finds none waits in line. One
// whose query was cut short by a kill or a Timeout is not used again.
class Pool {
public:
  Pool(std::string where, std::size_t size) : where_(std::move(where)) {
    for (std::size_t i = 0; i < size; ++i)
      places_.put(nullptr);
  }

  template <class F>
  auto with(F f) {
    Lease lease{*this, places_.get()};
    if (lease.connection == nullptr) {
      lease.connection = std::make_unique<Connection>(where_);
      ++made_;
    }
    return f(*lease.connection);
  }
  int made() const { return made_; }

private:
  struct Lease {
    Pool& pool;
    std::unique_ptr<Connection> connection;
    ~Lease() {
      if (connection != nullptr && !connection->is_idle())
        connection = nullptr;
      static_cast<void>(
          pool.places_.try_put(std::move(connection))); // there is room for any number
    }
  };
  std::string where_;
  grove::Queue<std::unique_ptr<Connection>> places_; // null: one may be made
  int made_ = 0;
};

struct Options {
  std::string where = "host=127.0.0.1 dbname=postgres";
  std::size_t connections = 5;
  int greenlets = 20;
  std::string query = "SELECT pg_backend_pid() FROM pg_sleep(0.05)";
};

int run(int argc, char** argv) {
  Options options;
  CLI::App app{"Queries of many greenlets over a few connections to PostgreSQL."};
  app.add_option("--where", options.where, "libpq's connection string")->capture_default_str();
  app.add_option("--connections", options.connections, "so many at most")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  app.add_option("--greenlets", options.greenlets, "with a query each")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  app.add_option("--query", options.query, "what they ask")->capture_default_str();
  if (const auto status = sample::parse(app, argc, argv))
    return *status;
  grove::patch::all();

  Pool pool(options.where, options.connections);
  int answers = 0;
  int most = 0;
  int now = 0;
  grove::scope([&](grove::Group& group) {
    for (int i = 0; i < options.greenlets; ++i) {
      group.spawn([&] {
        pool.with([&](Connection& connection) {
          most = std::max(most, ++now);
          connection.query(options.query);
          --now;
          ++answers;
        });
      });
    }
  });
  fmt::print("postgres_pool: {} answers over {} connections, at most {} queries at a time\n",
             answers, pool.made(), most);
  return 0;
}

} // namespace

int main(int argc, char** argv) { return grove::main(argc, argv, run); }
