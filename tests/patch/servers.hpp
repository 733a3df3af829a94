// SPDX-License-Identifier: MIT
// Real servers on loopback ports, each in a folder of its own, for as long as the object lives.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fstream>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <grove/hub/process.hpp>

#include "../support/hub_test.hpp"
#include "../support/temporary_directory.hpp"

namespace grove::test {

// One that nobody listens to at this moment.
inline int free_port() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (bind(fd, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0)
    throw std::runtime_error("no free port");
  close(fd);
  return ntohs(address.sin_port);
}

// Where the program is; Debian keeps some servers out of PATH.
inline std::optional<std::string> find_program(const std::string& name) {
  for (const char* folder : {"/usr/bin/", "/usr/sbin/", "/usr/lib/postgresql/15/bin/",
                             "/usr/lib/postgresql/16/bin/", "/usr/lib/postgresql/17/bin/"}) {
    if (access((folder + name).c_str(), X_OK) == 0)
      return folder + name;
  }
  return std::nullopt;
}

// Starts it and reads what it says until it is ready; tells all of that if it is not.
class Server {
public:
  Server(std::vector<std::string> argv, const std::string& ready) : process_(start(argv)) {
    std::string said;
    while (auto line = process_.out().read_line(60s)) {
      said += *line + "\n";
      if (line->find(ready) != std::string::npos)
        return;
    }
    throw std::runtime_error(argv.front() + " does not start: " + said);
  }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  ~Server() {
    process_.kill(SIGINT); // all of them go at once then
    try {
      process_.wait(30s);
    } catch (const std::exception&) { // killed by the Process
    }
  }

private:
  static Process start(const std::vector<std::string>& argv) {
    return Process(
        argv,
        {.in = Stdio::null(), .out = Stdio::pipe(), .err = Stdio::to_stdout(), .new_group = true});
  }
  Process process_;
};

struct RedisServer {
  TemporaryDirectory folder;
  int port = free_port();
  Server server{{find_program("redis-server").value(), "--port", std::to_string(port), "--bind",
                 "127.0.0.1", "--save", "", "--dir", folder.path()},
                "Ready to accept connections"};
};

#define GROVE_NEEDS_PROGRAM(name)                                                                  \
  if (!grove::test::find_program(name))                                                            \
  GTEST_SKIP() << "there is no " name " on this machine"

} // namespace grove::test
