// SPDX-License-Identifier: MIT
// Requests through a broker: clients and workers know only where it is.
//
//   client REQ --+                         +-- REP worker
//   client REQ --+-- ROUTER broker DEALER--+-- REP worker
//
// The ROUTER puts the client's identity in front of each request, which comes back with the reply;
// the DEALER hands the requests to the workers in turn. Neither looks into them. A reply whose
// client has gone is dropped. A request whose worker dies is lost, and its client waits: see
// paranoid_pirate.cpp.
#include <cstdint>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>

#include "common.hpp"

namespace {

namespace zmq = grove::zmq;

struct Question {
  std::uint64_t number = 0;
};
struct Answer {
  std::uint64_t square = 0;
  std::string worker;
};

struct Options {
  int port = 0;
  int workers_port = 0;
  std::string broker;
  std::string name = "worker";
  std::uint64_t requests = 10;
  unsigned at_once = 1;
};

int run_broker(const Options& options) {
  zmq::Socket clients(zmq::SocketType::router);
  zmq::Socket workers(zmq::SocketType::dealer);
  fmt::print("broker: clients at {}\n", sample::listen(clients, options.port));
  fmt::print("broker: workers at {}\n", sample::listen(workers, options.workers_port));
  zmq::Proxy(std::move(clients), std::move(workers)).run(); // until we are told to end
  return 0;
}

int run_worker(const Options& options) {
  zmq::Socket socket(zmq::SocketType::rep);
  socket.connect(options.broker);
  for (;;) {
    try {
      const Question question = socket.recv_enveloped<Question>().body; // of however many parts
      socket.send(Answer{question.number * question.number, options.name});
    } catch (const zmq::BadMessage&) { // if it ended us, the next worker would get it
      socket.send("");                 // a REP answers before it takes the next
    }
  }
}

int run_client(const Options& options) {
  std::uint64_t answered = 0;
  std::set<std::string> workers;
  // As many greenlets as questions that may be under way at a time, each with a socket.
  grove::scope([&](grove::Group& all) {
    for (unsigned i = 0; i < options.at_once; ++i) {
      all.spawn([&] {
        zmq::Socket socket(zmq::SocketType::req);
        socket.connect(options.broker);
        for (std::uint64_t number = 0; number < options.requests; ++number) {
          socket.send(Question{number});
          const auto answer = socket.recv<Answer>();
          if (answer.square != number * number)
            throw std::runtime_error(
                fmt::format("{} is not the square of {}", answer.square, number));
          ++answered;
          workers.insert(answer.worker);
        }
      });
    }
  });
  fmt::print("broker: {} answers from {} workers\n", answered, workers.size());
  return 0;
}

} // namespace

int main(int argc, char** argv) {
  CLI::App app{"Requests and replies through a broker."};
  Options options;
  auto* broker = app.add_subcommand("broker", "passes requests and replies on");
  sample::add_port(*broker, options.port, "--port", "for clients");
  sample::add_port(*broker, options.workers_port, "--workers-port", "for workers");
  auto* worker = app.add_subcommand("worker", "answers questions");
  worker->add_option("BROKER", options.broker, "where it listens for workers")->required();
  worker->add_option("--name", options.name, "said in its answers")->capture_default_str();
  auto* client = app.add_subcommand("client", "asks for squares");
  client->add_option("BROKER", options.broker, "where it listens for clients")->required();
  client->add_option("--requests", options.requests, "how many")->capture_default_str();
  client->add_option("--at-once", options.at_once, "so many times, all at once")
      ->capture_default_str()
      ->check(CLI::Range(1U, 10'000U));
  return sample::run_role(app, argc, argv, [&] {
    return *broker ? run_broker(options) : *worker ? run_worker(options) : run_client(options);
  });
}
