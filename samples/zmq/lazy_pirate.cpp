// SPDX-License-Identifier: MIT
// The Lazy Pirate: a client that gets its answer although servers die, hang or come late.
//
// It waits for an answer so long, then gives the socket up, with whatever may still come through
// it, and asks again through a new one; after so many times it gives up. A question may so be
// worked on twice (the answer was late, or lost): the server must not mind.
#include <chrono>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>

#include "common.hpp"

namespace {

namespace zmq = grove::zmq;
using std::chrono::milliseconds;

struct Question {
  std::uint64_t number = 0;
};
struct Answer {
  std::uint64_t square = 0;
};

struct Options {
  int port = 0;
  std::uint64_t stall_every = 0;
  unsigned stall_ms = 2000;
  std::string server;
  std::uint64_t requests = 10;
  unsigned attempts = 3;
  unsigned timeout_ms = 1000;
};

class LazyPirate {
public:
  LazyPirate(std::string server, milliseconds timeout, unsigned attempts)
      : server_(std::move(server)), timeout_(timeout), attempts_(attempts) {}

  // std::runtime_error if there is no answer, however often we ask.
  Answer ask(const Question& question) {
    for (unsigned attempt = 1; attempt <= attempts_; ++attempt) {
      if (!socket_)
        connect();
      try {
        socket_->send(question, timeout_);
        return socket_->recv<Answer>(timeout_);
      } catch (const grove::TimeoutError&) {
        fmt::print("lazy_pirate: no answer to {}, attempt {}\n", question.number, attempt);
        socket_.reset(); // a REQ that waits for an answer can do nothing else
      }
    }
    throw std::runtime_error(fmt::format("{} seems to be gone", server_));
  }

private:
  void connect() {
    socket_.emplace(zmq::SocketType::req);
    socket_->set(zmq::option::linger, milliseconds(0)); // nobody shall get what we have given up
    socket_->connect(server_);
  }

  std::string server_;
  milliseconds timeout_;
  unsigned attempts_;
  std::optional<zmq::Socket> socket_;
};

int run_client(const Options& options) {
  LazyPirate pirate(options.server, milliseconds(options.timeout_ms), options.attempts);
  for (std::uint64_t number = 1; number <= options.requests; ++number) {
    const Answer answer = pirate.ask({number});
    if (answer.square != number * number)
      throw std::runtime_error("an answer to another question");
    fmt::print("lazy_pirate: {} squared is {}\n", number, answer.square);
  }
  return 0;
}

int run_server(const Options& options) {
  zmq::Socket socket(zmq::SocketType::rep);
  fmt::print("lazy_pirate: serving at {}\n", sample::listen(socket, options.port));
  for (std::uint64_t count = 1;; ++count) {
    try {
      const Question question = socket.recv_enveloped<Question>().body; // of however many parts
      if (options.stall_every != 0 && count % options.stall_every == 0)
        grove::sleep(milliseconds(options.stall_ms)); // its client will be gone
      socket.send(Answer{question.number * question.number});
    } catch (const zmq::BadMessage&) { // not our mistake, and no reason to end
      socket.send("");                 // a REP answers before it takes the next
    }
  }
}

} // namespace

int main(int argc, char** argv) {
  CLI::App app{"Reliable requests: a client that asks again, and a server that stalls."};
  Options options;
  auto* server = app.add_subcommand("server", "answers questions, mostly");
  sample::add_port(*server, options.port);
  server->add_option("--stall-every", options.stall_every, "each such question is answered late")
      ->capture_default_str();
  server->add_option("--stall", options.stall_ms, "milliseconds of that")->capture_default_str();
  auto* client = app.add_subcommand("client", "asks for squares, and again if it must");
  client->add_option("SERVER", options.server, "its endpoint, as it prints it")->required();
  client->add_option("--requests", options.requests, "how many")->capture_default_str();
  client->add_option("--attempts", options.attempts, "for each")->capture_default_str();
  client->add_option("--timeout", options.timeout_ms, "milliseconds that an attempt may take")
      ->capture_default_str();
  return sample::run_role(app, argc, argv,
                          [&] { return *server ? run_server(options) : run_client(options); });
}
