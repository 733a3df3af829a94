// SPDX-License-Identifier: MIT
// CURVE: a server that lets in whom it knows, and talks to them in secret.
//
//   curve keys server.key                  # and server.key_secret, for the server's eyes only
//   curve keys clients/ann.key --name ann  # the server gets ann.key, ann keeps ann.key_secret
//   curve server server.key clients        # clients/*.key may come in
//   curve client ENDPOINT server.key clients/ann.key
//
// Both sides know the other's public key from before. The files are those of CZMQ and pyzmq.
#include <chrono>
#include <stdexcept>
#include <string>

#include "common.hpp"

namespace {

namespace zmq = grove::zmq;
using std::chrono::milliseconds;

struct Options {
  int port = 0;
  std::string own; // the file of one's own public key; beside it is the secret
  std::string name = "nobody in particular";
  std::string clients;
  std::string endpoint;
  std::string server;
  unsigned timeout_ms = 5000;
};

zmq::CurveKeyPair own_keys(const Options& options) {
  zmq::Certificate certificate = zmq::Certificate::load(options.own + "_secret");
  if (!certificate.keys)
    throw std::runtime_error(options.own + "_secret has no secret key");
  return std::move(*certificate.keys);
}

int make_keys(const Options& options) {
  zmq::Certificate::of(zmq::CurveKeyPair::generate(), {{"name", options.name}}).save(options.own);
  fmt::print("curve: {} is for everybody, {}_secret for nobody else\n", options.own, options.own);
  return 0;
}

int run_server(const Options& options) {
  zmq::Authenticator authenticator; // of all sockets of the process
  const auto known = authenticator.rules().allow_certificates(options.clients);

  zmq::Socket socket(zmq::SocketType::rep);
  zmq::make_curve_server(socket, own_keys(options));
  zmq::Monitor monitor(socket);
  fmt::print("curve: {} may come to {}\n", known, sample::listen(socket, options.port));

  grove::scope([&](grove::Group& all) {
    all.spawn([&] {
      for (const zmq::MonitorEvent& event : monitor.events()) {
        using Kind = zmq::MonitorEventKind;
        if (event.kind == Kind::handshake_failed_auth)
          fmt::print("curve: somebody was not let in\n");
        else if (event.kind == Kind::handshake_failed_protocol ||
                 event.kind == Kind::handshake_failed_no_detail) // whoever notices first hangs up
          fmt::print("curve: somebody does not know how to come in\n");
      }
    });
    all.spawn([&] {
      for (;;) {
        const zmq::Multipart parts =
            socket.recv_multipart(); // recv() would throw if there are more
        const zmq::Message& message = parts.front();
        const std::string who = message.property("User-Id").value_or("");
        fmt::print("curve: {} says {}\n", who, message.text());
        socket.send("welcome, " + who);
      }
    });
  });
  return 0;
}

int run_client(const Options& options) {
  zmq::Socket socket(zmq::SocketType::req);
  socket.set(zmq::option::linger, milliseconds(0));
  zmq::make_curve_client(socket, zmq::Certificate::load(options.server).public_key,
                         own_keys(options));
  socket.connect(options.endpoint);
  socket.send("hello");
  try {
    fmt::print("curve: {}\n", socket.recv(milliseconds(options.timeout_ms)).text());
    return 0;
  } catch (const grove::TimeoutError&) {
    fmt::print("curve: no answer: it does not know us, or is not who we think\n");
    return 1;
  }
}

} // namespace

int main(int argc, char** argv) {
  CLI::App app{"A server and clients that know each other by their keys."};
  Options options;
  auto* keys = app.add_subcommand("keys", "makes a pair of keys");
  keys->add_option("FILE", options.own, "of the public key; _secret is added for the other")
      ->required();
  keys->add_option("--name", options.name, "of the owner")->capture_default_str();
  auto* server = app.add_subcommand("server", "welcomes clients that it knows");
  server->add_option("KEY", options.own, "its own public key's file, beside the secret")
      ->required();
  server->add_option("CLIENTS", options.clients, "a folder: *.key may come in")->required();
  sample::add_port(*server, options.port);
  auto* client = app.add_subcommand("client", "says hello");
  client->add_option("ENDPOINT", options.endpoint, "the server's, as it prints it")->required();
  client->add_option("SERVER", options.server, "the file of its public key")->required();
  client->add_option("KEY", options.own, "one's own public key's file, beside the secret")
      ->required();
  client->add_option("--timeout", options.timeout_ms, "milliseconds to wait for an answer")
      ->capture_default_str();
  return sample::run_role(app, argc, argv, [&] {
    return *keys ? make_keys(options) : *server ? run_server(options) : run_client(options);
  });
}
