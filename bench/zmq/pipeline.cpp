// SPDX-License-Identifier: MIT
// A ventilator, four workers and a sink, greenlets of one hub; what they send each other is
// msgpack.
#include <string>
#include <vector>

#include <grove/hub/group.hpp>
#include <grove/zmq/codec.hpp>

#include "support/meter.hpp"
#include "zmq/rows.hpp"

namespace bench {

using grove::zmq::Bytes;
using grove::zmq::Socket;
using grove::zmq::SocketType;

namespace {

constexpr int workers = 4;

struct Task {
  std::int64_t id;
  std::string text;
};
struct Result {
  std::int64_t id;
  std::int64_t length;
};

void ventilate(const Load& load, Socket& tasks) {
  Task task{0, std::string(load.size, 'x')};
  Bytes body;
  for (; task.id < load.count; ++task.id) {
    body.clear();
    grove::zmq::encode_to(task, body);
    tasks.send(body);
  }
}

void work(const std::string& tasks_at, const std::string& results_at) {
  Socket tasks(SocketType::pull);
  Socket results(SocketType::push);
  tasks.connect(tasks_at);
  results.connect(results_at);
  Bytes body;
  for (;;) {
    const auto task = grove::zmq::decode<Task>(tasks.recv().bytes());
    body.clear();
    grove::zmq::encode_to(Result{task.id, static_cast<std::int64_t>(task.text.size())}, body);
    results.send(body);
  }
}

// Every task once.
class Account {
public:
  explicit Account(const Load& load)
      : size_(static_cast<std::int64_t>(load.size)), done_(static_cast<std::size_t>(load.count)) {}
  void enter(const Result& result) {
    const auto id = static_cast<std::size_t>(result.id);
    if (id >= done_.size() || done_[id] || result.length != size_)
      throw std::runtime_error("result " + std::to_string(result.id) + " is not what it should be");
    done_[id] = true;
  }

private:
  std::int64_t size_;
  std::vector<bool> done_;
};

} // namespace

// From the first result to the last.
void pipeline(const Load& load) {
  Socket tasks(SocketType::push);
  Socket results(SocketType::pull);
  const std::string tasks_at = tasks.bind(load.endpoint("tasks"));
  const std::string results_at = results.bind(load.endpoint("results"));
  grove::Group others;
  for (int i = 0; i < workers; ++i)
    others.spawn([&] { work(tasks_at, results_at); });
  others.spawn([&] { ventilate(load, tasks); });

  Account account(load);
  const auto next = [&] { account.enter(grove::zmq::decode<Result>(results.recv().bytes())); };
  next();
  const Meter meter;
  for (std::int64_t i = 1; i < load.count; ++i)
    next();
  meter.print(load.count - 1);
  others.kill();
}

} // namespace bench
