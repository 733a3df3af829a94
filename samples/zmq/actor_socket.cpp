// SPDX-License-Identifier: MIT
// An actor that owns a socket. What comes in is its mail, typed like any other; local actors and
// greenlets tell and ask it as ever.
//
//   client REQ --+
//   client REQ --+-- ROUTER -- [reader] --ask--> Account <--ask-- main
//
// The reader is a greenlet that the actor starts and that ends with it. It asks rather than tells:
// it reads the next message when the last was handled, so that what comes too fast stays in the
// sockets, and holds back who sends it.
#include <cstdint>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>

#include <grove/actors.hpp>

#include "common.hpp"

namespace {

namespace zmq = grove::zmq;

struct Deposit {
  std::int64_t amount = 0;
  std::string by;
};
struct Receipt {
  std::int64_t balance = 0;
  std::uint64_t number = 0;
};

struct WhenReached { // answered with the balance, as soon as it is that
  std::int64_t balance;
};

class Account : public grove::Actor {
public:
  explicit Account(zmq::Socket socket) : socket_(std::move(socket)) {}

  void on_start() override {
    grove::spawn({.inherit = true}, [this, me = self(*this)] { read(me); });
  }

  // From outside, with the sender's address. It may have gone before it gets its receipt.
  void receive(zmq::Enveloped<Deposit>&& deposit) {
    balance_ += deposit.body.amount;
    fmt::print("account: {} from {}, now {}\n", deposit.body.amount, deposit.body.by, balance_);
    try {
      socket_.send_enveloped(std::move(deposit.envelope), Receipt{balance_, ++receipts_});
    } catch (const std::system_error& error) {
      if (error.code() != std::errc::host_unreachable)
        throw;
    }
    if (balance_ >= goal_)
      reached_.set(balance_);
  }
  // From inside.
  grove::AsyncResult<std::int64_t> receive(const WhenReached& when) {
    goal_ = when.balance;
    if (balance_ >= goal_)
      reached_.set(balance_);
    return reached_;
  }

private:
  void read(const grove::ActorRef<Account>& me) {
    for (;;) {
      try {
        me.ask(socket_.recv_enveloped<Deposit>());
      } catch (const zmq::BadMessage& error) { // somebody's mistake, and gone; the next may be good
        fmt::print("account: {}\n", error.what());
      }
    }
  }

  zmq::Socket socket_;
  std::int64_t balance_ = 0;
  std::uint64_t receipts_ = 0;
  std::int64_t goal_ = INT64_MAX;
  grove::AsyncResult<std::int64_t> reached_;
};

struct Options {
  int port = 0;
  std::int64_t goal = 1000;
  std::string account;
  std::string name = "somebody";
  std::int64_t amount = 10;
  unsigned times = 10;
};

int run_account(const Options& options) {
  zmq::Socket socket(zmq::SocketType::router);
  fmt::print("account: open at {}\n", sample::listen(socket, options.port));
  const auto account = grove::spawn<Account>(std::move(socket));
  fmt::print("account: has reached {}\n", account.ask(WhenReached{options.goal}));
  account.stop(); // and with it its reader, and its socket
  account.join();
  return 0;
}

int run_client(const Options& options) {
  zmq::Socket socket(zmq::SocketType::req);
  socket.connect(options.account);
  std::uint64_t last = 0;
  for (unsigned i = 0; i < options.times; ++i) {
    socket.send(Deposit{options.amount, options.name});
    const auto receipt = socket.recv<Receipt>();
    if (receipt.number <= last)
      throw std::runtime_error("that receipt is an old one");
    last = receipt.number;
    fmt::print("account: receipt {}, {} now\n", receipt.number, receipt.balance);
  }
  return 0;
}

} // namespace

int main(int argc, char** argv) {
  CLI::App app{"An account: an actor that owns a socket."};
  Options options;
  auto* account = app.add_subcommand("account", "takes deposits until there is enough");
  sample::add_port(*account, options.port);
  account->add_option("--goal", options.goal, "what is enough")->capture_default_str();
  auto* client = app.add_subcommand("client", "makes deposits");
  client->add_option("ACCOUNT", options.account, "its endpoint, as it prints it")->required();
  client->add_option("--name", options.name, "whose")->capture_default_str();
  client->add_option("--amount", options.amount, "of each")->capture_default_str();
  client->add_option("--times", options.times, "how many")->capture_default_str();
  return sample::run_role(app, argc, argv,
                          [&] { return *account ? run_account(options) : run_client(options); });
}
