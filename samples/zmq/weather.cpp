// SPDX-License-Identifier: MIT
// Weather reports, published and subscribed to: PUB/SUB, with prefixes.
//
//   server (XPUB) --"10001", Report--> client (SUB, "100")
//                 --"10002", Report--> client (SUB, "9", "8")
//
// A report goes to whoever has subscribed to a prefix of its zip code, and to nobody else: it does
// not even leave the server. Who comes late has missed what was before. Where that must not be, the
// server waits for its subscribers (--subscribers): it is an XPUB, so that it hears of
// subscriptions. A client subscribes to the end mark last; the server that sees this subscription
// has seen its others, too.
//
// A PUB drops what a slow subscriber has no room for (sndhwm, 1000 reports). The end mark tells how
// many reports there were.
#include <cstdint>
#include <random>
#include <string>
#include <variant>
#include <vector>

#include "common.hpp"

namespace {

namespace zmq = grove::zmq;
using std::chrono::milliseconds;

// Published under its zip code: a message is the topic, a zero byte, and the encoded struct.
struct Report {
  std::uint64_t number = 0;
  int temperature = 0; // degrees Celsius
  int humidity = 0;    // percent
};
struct End {
  std::uint64_t reports = 0;
};
const zmq::Topic<End> end("end");

struct Options {
  int port = 0;
  std::string server;
  std::vector<std::string> prefixes;
  std::uint64_t reports = 0;
  unsigned subscribers = 0;
  unsigned every_ms = 1;
};

// What an XPUB receives is a byte, 1 for a new subscription, and the prefix.
void wait_for(unsigned subscribers, zmq::Socket& socket) {
  while (subscribers > 0) {
    const zmq::Message event = socket.recv();
    if (event.text().substr(0, 1) == "\1" && event.text().substr(1) == end.filter())
      --subscribers;
  }
}

int serve(const Options& options) {
  zmq::Socket socket(zmq::SocketType::xpub);
  socket.set(zmq::option::xpub_verbose, true); // also tell of a prefix that somebody has already
  socket.set(zmq::option::linger, std::chrono::minutes(1)); // for the last reports to get out
  fmt::print("weather: reports leave from {}\n", sample::listen(socket, options.port));
  wait_for(options.subscribers, socket);

  std::minstd_rand random(1); // NOLINT: the same weather every time
  std::uniform_int_distribution<int> zip_code(10'000, 99'999), temperature(-20, 40),
      humidity(10, 100);
  std::uint64_t number = 0;
  while (options.reports == 0 || number < options.reports) {
    const Report report{++number, temperature(random), humidity(random)};
    socket.send(zmq::Topic<Report>(std::to_string(zip_code(random))).message(report));
    while (socket.try_recv()) { // subscriptions that came meanwhile
    }
    grove::sleep(milliseconds(options.every_ms));
  }
  socket.send(end.message({number}));
  fmt::print("weather: sent {} reports\n", number);
  return 0;
}

int listen_to(const Options& options) {
  zmq::Socket socket(zmq::SocketType::sub);
  socket.connect(options.server);
  for (const std::string& prefix : options.prefixes)
    socket.subscribe(zmq::TopicPrefix<Report>(prefix));
  socket.subscribe(end);                                      // last: see above
  const zmq::Topics known(end, zmq::TopicPrefix<Report>("")); // the socket has what it asked for

  std::uint64_t count = 0;
  double sum = 0;
  std::uint64_t sent = 0;
  while (options.reports == 0 || count < options.reports) {
    const auto [topic, message] = socket.recv(known);
    if (const auto* last = std::get_if<End>(&message)) {
      sent = last->reports;
      break;
    }
    const auto& report = std::get<Report>(message);
    sum += report.temperature;
    if (++count == 1)
      fmt::print("weather: {} has {} degrees\n", topic, report.temperature);
  }
  if (sent > 0)
    fmt::print("weather: {} of {} reports\n", count, sent);
  if (count > 0)
    fmt::print("weather: {:.1f} degrees on the average of {}\n", sum / static_cast<double>(count),
               count);
  return 0;
}

} // namespace

int main(int argc, char** argv) {
  CLI::App app{"Weather reports by zip code: a server publishes them, clients subscribe."};
  Options options;
  auto* server = app.add_subcommand("server", "publishes reports of zip codes all over the land");
  sample::add_port(*server, options.port);
  server->add_option("--subscribers", options.subscribers, "wait for so many clients, then begin")
      ->capture_default_str();
  server->add_option("--reports", options.reports, "end after so many; 0: never")
      ->capture_default_str();
  server->add_option("--every", options.every_ms, "milliseconds between two reports")
      ->capture_default_str();
  auto* client = app.add_subcommand("client", "reads reports, and tells the average temperature");
  client->add_option("SERVER", options.server, "its endpoint, as it prints it")->required();
  client->add_option("PREFIX", options.prefixes, "beginnings of zip codes; '' for all")->required();
  client->add_option("--reports", options.reports, "so many; 0: until the server ends")
      ->capture_default_str();
  return sample::run_role(app, argc, argv,
                          [&] { return *server ? serve(options) : listen_to(options); });
}
