// SPDX-License-Identifier: MIT
// The Paranoid Pirate: a queue and workers that watch each other by heartbeats, as either may die
// or hang at any time, and come back.
//
//   client REQ --+                       +-- DEALER worker
//   client REQ --+-- ROUTER queue ROUTER-+-- DEALER worker
//
// A worker says that it is ready, gets one task, sends its answer, and is ready again. Both sides
// say "heartbeat" all the time. Who has said nothing for three of them is taken for dead:
//
//   - a worker's task is given to another; should it have been alive after all, its answer is too
//     late, and dropped: the client gets one,
//   - a worker gives up a silent queue, and knocks again after a while, each time a longer one.
//
// A queue that dies takes with it what it knew: its clients ask again, as in lazy_pirate.cpp. So a
// task is done at least once, and sometimes twice.
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "common.hpp"

namespace {

namespace zmq = grove::zmq;
using std::chrono::milliseconds;

struct Question {
  std::uint64_t number = 0;
};
struct Answer {
  std::uint64_t square = 0;
  std::string worker;
};

// Between queue and workers. One part, so that it can not be torn; `body` is the client's question,
// or the answer to it, which the queue does not look into.
enum class Kind : std::uint8_t { ready, heartbeat, task, answer };
struct Note {
  Kind kind = Kind::heartbeat;
  std::uint64_t task = 0; // its number; of a worker's heartbeat: what it works on, 0 for nothing
  zmq::Bytes body{};
};

struct Options {
  int port = 0;
  int workers_port = 0;
  unsigned heartbeat_ms = 500;
  std::string queue;
  std::string name = "worker";
  unsigned work_ms = 0;
  std::uint64_t requests = 10;
  unsigned attempts = 10;
  unsigned timeout_ms = 2000;
};
constexpr int patience = 3; // heartbeats

// -- the queue -----------------------------------------------------------------------------------

struct Task {
  std::uint64_t number = 0;
  zmq::Multipart client; // where the answer goes: an identity, and an empty part, of a REQ
  zmq::Bytes body;
};

// All greenlets of the queue share one of these. They are of one hub, so nothing is locked; but
// whoever sends may be parked, and finds the world changed.
class Queue {
public:
  explicit Queue(const Options& options)
      : heartbeat_(options.heartbeat_ms), clients_(zmq::SocketType::router),
        workers_(zmq::SocketType::router) {
    workers_.set(zmq::option::router_mandatory, true); // tells us who is gone
    workers_.set(zmq::option::router_handover, true);  // who comes back has his name again
    fmt::print("paranoid_pirate: clients at {}\n", sample::listen(clients_, options.port));
    fmt::print("paranoid_pirate: workers at {}\n", sample::listen(workers_, options.workers_port));
  }

  void run() {
    grove::scope([&](grove::Group& all) {
      all.spawn([&] { read_clients(); });
      all.spawn([&] { read_workers(); });
      all.spawn([&] { watch(); });
    });
  }

private:
  using Clock = std::chrono::steady_clock;
  struct Worker {
    Clock::time_point last_heard;
    std::optional<Task> task; // that it is working on
  };

  void read_clients() {
    for (;;) {
      auto [envelope, body] = clients_.recv_enveloped<zmq::Bytes>();
      waiting_.push_back({++numbers_, std::move(envelope), std::move(body)});
      hand_out();
    }
  }

  void read_workers() {
    for (;;) {
      try {
        auto [envelope, note] = workers_.recv_enveloped<Note>();
        heard(std::string(envelope.at(0).text()), note);
        hand_out();
      } catch (const zmq::BadMessage& error) { // of somebody who is no worker
        fmt::print("paranoid_pirate: {}\n", error.what());
      }
    }
  }

  void heard(const std::string& name, const Note& note) {
    const auto [found, is_new] = workers_by_name_.try_emplace(name);
    Worker& worker = found->second;
    worker.last_heard = grove::now();
    if (note.kind == Kind::ready) {
      fmt::print("paranoid_pirate: {} is ready\n", name);
      take_back(worker);
      now_idle(name);
      return;
    }
    if (is_new)
      fmt::print("paranoid_pirate: {} is back\n", name);
    if (note.kind == Kind::heartbeat) {
      if (is_new && note.task == 0) // it was idle when it was taken for dead, and is so still
        now_idle(name);
      return;
    }
    if (note.kind != Kind::answer || (worker.task && worker.task->number != note.task))
      return;
    now_idle(name);
    if (worker.task) // else it was taken for dead, and another has the task
      answer(*std::exchange(worker.task, std::nullopt), note.body);
  }

  // Says that we are here, and sees who has not said so for long.
  void watch() {
    for (;;) {
      grove::sleep(heartbeat_);
      std::vector<std::string> names;
      for (const auto& [name, worker] : workers_by_name_)
        names.push_back(name);
      for (const std::string& name : names) {
        const auto found = workers_by_name_.find(name);
        if (found == workers_by_name_.end())
          continue;
        if (grove::now() > found->second.last_heard + patience * heartbeat_)
          gone(name);
        else
          tell(name, {.kind = Kind::heartbeat});
      }
      hand_out();
    }
  }

  void hand_out() {
    while (!waiting_.empty() && !idle_.empty()) {
      const std::string name = std::move(idle_.front()); // who has been idle longest
      idle_.pop_front();
      Worker& worker = workers_by_name_.at(name);
      worker.task = std::move(waiting_.front());
      waiting_.pop_front();
      tell(name, {.kind = Kind::task, .task = worker.task->number, .body = worker.task->body});
    }
  }

  void tell(const std::string& name, const Note& note) {
    try {
      workers_.send_enveloped(zmq::multipart(name), note, heartbeat_);
    } catch (const grove::TimeoutError&) { // it does not read
      gone(name);
    } catch (const std::system_error& error) {
      if (error.code() != std::errc::host_unreachable)
        throw;
      gone(name);
    }
  }
  void answer(Task task, const zmq::Bytes& body) {
    try {
      clients_.send_enveloped(std::move(task.client), body, heartbeat_);
    } catch (const grove::TimeoutError&) {
    } catch (const std::system_error& error) {
      if (error.code() != std::errc::host_unreachable) // it has asked again, or does not want it
        throw;
    }
  }

  void now_idle(const std::string& name) {
    if (std::find(idle_.begin(), idle_.end(), name) == idle_.end())
      idle_.push_back(name);
  }
  void take_back(Worker& worker) {
    if (worker.task)
      waiting_.push_front(*std::exchange(worker.task, std::nullopt));
  }
  void gone(const std::string& name) {
    const auto found = workers_by_name_.find(name);
    if (found == workers_by_name_.end())
      return; // while we were parked somebody else has noticed
    fmt::print("paranoid_pirate: {} is gone\n", name);
    take_back(found->second);
    workers_by_name_.erase(found);
    std::erase(idle_, name);
  }

  milliseconds heartbeat_;
  zmq::Socket clients_, workers_;
  std::map<std::string, Worker> workers_by_name_;
  std::deque<std::string> idle_;
  std::deque<Task> waiting_;
  std::uint64_t numbers_ = 0;
};

// -- a worker ------------------------------------------------------------------------------------

// What is no question is answered with nothing. If it ended the worker it would be given to the
// next, and end that, too.
zmq::Bytes answer_to(const zmq::Bytes& body, const Options& options) {
  try {
    const auto question = zmq::decode<Question>(body);
    grove::sleep(milliseconds(options.work_ms));
    return zmq::encode(Answer{question.number * question.number, options.name});
  } catch (const zmq::DecodeError&) {
    return {};
  }
}

// Until the queue falls silent: TimeoutError.
void serve(zmq::Socket& queue, const Options& options) {
  const milliseconds heartbeat(options.heartbeat_ms);
  queue.send(Note{.kind = Kind::ready});
  grove::Queue<Note> tasks;
  std::uint64_t at_work = 0;
  grove::scope([&](grove::Group& all) {
    all.spawn([&] { // also in the middle of a task
      for (;;) {
        grove::sleep(heartbeat);
        queue.send(Note{.kind = Kind::heartbeat, .task = at_work}, heartbeat);
      }
    });
    all.spawn([&] {
      for (const Note& task : tasks) {
        at_work = task.task;
        queue.send(Note{Kind::answer, task.task, answer_to(task.body, options)}, heartbeat);
        at_work = 0;
      }
    });
    all.spawn([&] {
      for (;;) {
        Note note = queue.recv<Note>(patience * heartbeat);
        if (note.kind == Kind::task)
          tasks.put(std::move(note));
      }
    });
  });
}

int run_worker(const Options& options) {
  constexpr milliseconds first(100), longest(5000);
  for (milliseconds pause = first;; pause = std::min(2 * pause, longest)) {
    const auto began = grove::now();
    try {
      zmq::Socket queue(zmq::SocketType::dealer);
      queue.set(zmq::option::linger, milliseconds(0));
      queue.set(zmq::option::routing_id, options.name);
      queue.connect(options.queue);
      serve(queue, options);
    } catch (const grove::TimeoutError&) {
    }
    if (grove::now() - began > longest) // it was there for long
      pause = first;
    fmt::print("paranoid_pirate: the queue is silent, next knock in {} ms\n", pause.count());
    grove::sleep(pause);
  }
}

// -- a client ------------------------------------------------------------------------------------

int run_client(const Options& options) {
  std::optional<zmq::Socket> socket;
  const auto ask = [&](const Question& question) {
    for (unsigned attempt = 1; attempt <= options.attempts; ++attempt) {
      if (!socket) {
        socket.emplace(zmq::SocketType::req);
        socket->set(zmq::option::linger, milliseconds(0));
        socket->connect(options.queue);
      }
      try {
        const milliseconds limit(options.timeout_ms);
        socket->send(question, limit);
        return socket->recv<Answer>(limit);
      } catch (const grove::TimeoutError&) {
        fmt::print("paranoid_pirate: no answer to {}, attempt {}\n", question.number, attempt);
        socket.reset();
      }
    }
    throw std::runtime_error(options.queue + " seems to be gone");
  };
  for (std::uint64_t number = 1; number <= options.requests; ++number) {
    const Answer answer = ask({number});
    if (answer.square != number * number)
      throw std::runtime_error("an answer to another question");
    fmt::print("paranoid_pirate: {} squared is {}, says {}\n", number, answer.square,
               answer.worker);
  }
  return 0;
}

} // namespace

int main(int argc, char** argv) {
  CLI::App app{"Reliable queuing: workers and a queue that notice when the other is gone."};
  Options options;
  auto* queue = app.add_subcommand("queue", "hands questions to workers that are alive");
  sample::add_port(*queue, options.port, "--port", "for clients");
  sample::add_port(*queue, options.workers_port, "--workers-port", "for workers");
  auto* worker = app.add_subcommand("worker", "answers questions");
  worker->add_option("QUEUE", options.queue, "where it listens for workers")->required();
  worker->add_option("--name", options.name, "no two workers have the same")->capture_default_str();
  worker->add_option("--work", options.work_ms, "milliseconds for a task")->capture_default_str();
  for (CLI::App* one : {queue, worker}) {
    one->add_option("--heartbeat", options.heartbeat_ms, "milliseconds between two, on both sides")
        ->capture_default_str()
        ->check(CLI::Range(1U, 60'000U));
  }
  auto* client = app.add_subcommand("client", "asks for squares, and again if it must");
  client->add_option("QUEUE", options.queue, "where it listens for clients")->required();
  client->add_option("--requests", options.requests, "how many")->capture_default_str();
  client->add_option("--attempts", options.attempts, "for each")->capture_default_str();
  client->add_option("--timeout", options.timeout_ms, "milliseconds that an attempt may take")
      ->capture_default_str();
  return sample::run_role(app, argc, argv, [&] {
    if (*queue)
      return Queue(options).run(), 0;
    return *worker ? run_worker(options) : run_client(options);
  });
}
