// SPDX-License-Identifier: MIT
// libpq, as Debian has built it, with its blocking calls, against PostgreSQL.
#include <libpq-fe.h>
#include <pwd.h>
#include <sys/stat.h>

#include <memory>
#include <string>
#include <vector>

#include <grove/hub/group.hpp>
#include <grove/patch/patch.hpp>

#include "servers.hpp"

namespace grove::test {
namespace {

// As another user where we are root, whom PostgreSQL refuses.
std::vector<std::string> as_nobody(std::vector<std::string> command) {
  if (geteuid() == 0)
    command.insert(command.begin(),
                   {"/usr/bin/setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"});
  return command;
}

std::string fresh_cluster(const TemporaryDirectory& folder) {
  if (geteuid() == 0) {
    const passwd* nobody = getpwnam("nobody");
    EXPECT_EQ(chown(folder.path().c_str(), nobody->pw_uid, nobody->pw_gid), 0);
  }
  const std::string data = folder.path() + "/data";
  check_output(as_nobody({find_program("initdb").value(), "--pgdata", data, "--auth", "trust",
                          "--username", "grove", "--no-sync", "--no-locale"}),
               {.err = Stdio::to_stdout(), .cwd = "/"});
  return data;
}

struct PostgresServer {
  TemporaryDirectory folder;
  std::string data = fresh_cluster(folder);
  int port = free_port();
  Server server{as_nobody({find_program("postgres").value(), "-D", data, "-p", std::to_string(port),
                           "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=",
                           "-c", "fsync=off", "-c", "max_connections=60"}),
                "database system is ready to accept connections"};
};

class Postgres {
public:
  explicit Postgres(int port)
      : connection_(
            PQconnectdb(
                ("host=127.0.0.1 user=grove dbname=postgres port=" + std::to_string(port)).c_str()),
            PQfinish) {
    if (PQstatus(connection_.get()) != CONNECTION_OK)
      throw std::runtime_error(PQerrorMessage(connection_.get()));
  }
  std::string operator()(const std::string& query) {
    const std::unique_ptr<PGresult, void (*)(PGresult*)> result(
        PQexec(connection_.get(), query.c_str()), PQclear);
    patch::deliver();
    if (PQresultStatus(result.get()) != PGRES_TUPLES_OK)
      throw std::runtime_error(PQerrorMessage(connection_.get()));
    return PQgetvalue(result.get(), 0, 0);
  }

private:
  std::unique_ptr<PGconn, void (*)(PGconn*)> connection_;
};

class LibpqTest : public HubTest {};

TEST_F(LibpqTest, as_many_greenlets_of_one_hub_have_a_query_under_way_as_there_are) {
  GROVE_NEEDS_PROGRAM("postgres");
  const PostgresServer server;
  constexpr int crowd = 40;
  int done = 0;
  scope([&](Group& group) {
    Postgres other(server.port);
    other("SELECT pg_advisory_lock(1)");
    for (int i = 0; i < crowd; ++i) {
      group.spawn([&] {
        Postgres postgres(server.port);
        postgres("SELECT pg_advisory_lock_shared(1)");
        ++done;
      });
    }
    // The server counts: all are in flight at one moment.
    const Timeout limit(60s);
    while (other("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'advisory'") !=
           std::to_string(crowd)) {
    }
    EXPECT_EQ(done, 0);
    other("SELECT pg_advisory_unlock(1)");
  });
  EXPECT_EQ(done, crowd);
}

TEST_F(LibpqTest, sleeps_in_the_server_overlap) {
  GROVE_NEEDS_PROGRAM("postgres");
  const PostgresServer server;
  constexpr int crowd = 40;
  int most = 0;
  scope([&](Group& group) {
    for (int i = 0; i < crowd; ++i)
      group.spawn([&] { Postgres(server.port)("SELECT pg_sleep(2)"); });
    Postgres other(server.port);
    while (group.size() > 0 && most < crowd) {
      most = std::max(most, std::stoi(other("SELECT count(*) FROM pg_stat_activity "
                                            "WHERE wait_event = 'PgSleep'")));
    }
  });
  EXPECT_EQ(most, crowd);
}

TEST_F(LibpqTest, a_timeout_scope_ends_a_query_and_the_connection_can_be_freed) {
  GROVE_NEEDS_PROGRAM("postgres");
  const PostgresServer server;
  EXPECT_FALSE(with_timeout(100ms, [&] {
    Postgres postgres(server.port);
    postgres("SELECT pg_sleep(100)");
  }));
  EXPECT_EQ(Postgres(server.port)("SELECT 42"), "42");
}

} // namespace
} // namespace grove::test
