// SPDX-License-Identifier: MIT
// Ventilator, workers, sink: work is handed out, done by many, and gathered.
//
//                    +--PULL worker PUSH--+
//   ventilator PUSH--+--PULL worker PUSH--+--PULL sink
//                    +--PULL worker PUSH--+
//                             SUB
//   control XPUB --"stop"------+
//
// Workers are greenlets, actors, threads or processes (--workers-as), or programs that somebody
// starts elsewhere (--outside), in whatever language. They are all the same to the boss, who
//
//   - begins when all are there: each has subscribed to the control socket, an XPUB that tells,
//   - knows how many results there will be, and so when the last has come,
//   - then says "stop", which each worker hears as all have subscribed before.
//
// High-water marks of 1 hand a slow worker no more than one or two tasks ahead of time; the others
// are given the rest. (Over tcp the kernel's buffers hold some more.) A task is lost with the
// process that it is given to; the boss notices such an end and gives up. See
// paranoid_pirate.cpp for requests that are made again.
#include <sys/prctl.h>
#include <unistd.h>

#include <csignal>
#include <cstddef>
#include <cstdint>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <grove/actors.hpp>

#include "common.hpp"

namespace {

namespace zmq = grove::zmq;
using std::chrono::milliseconds;

struct Task {
  std::uint64_t number = 0;
  unsigned work_ms = 0;
};
struct Result {
  std::uint64_t number = 0;
  std::string worker;
};
constexpr std::string_view stop = "stop"; // on the control socket

struct Endpoints {
  std::string tasks, results, control;
};

struct Options {
  int port = 0;
  std::uint64_t tasks = 100;
  unsigned work_ms = 1;
  unsigned workers = 4;
  std::string workers_as = "greenlets";
  unsigned outside = 0;
  Endpoints boss;
  std::string name = "worker";
  pid_t child_of = 0;
};

// -- workers -------------------------------------------------------------------------------------

// The three sockets of a worker.
struct Sockets {
  explicit Sockets(const Endpoints& boss) {
    tasks.set(zmq::option::rcvhwm, 1); // options before connecting
    tasks.connect(boss.tasks);
    results.connect(boss.results);
    control.connect(boss.control);
    control.subscribe(stop); // says that we are here
  }
  zmq::Socket tasks{zmq::SocketType::pull};
  zmq::Socket results{zmq::SocketType::push};
  zmq::Socket control{zmq::SocketType::sub};
};

void do_task(const Task& task, const std::string& name, zmq::Socket& results) {
  grove::sleep(milliseconds(task.work_ms)); // the work
  results.send(Result{task.number, name});
}

// A worker as a greenlet, on whatever hub: works until it is told to stop.
void work(const Endpoints& boss, const std::string& name) {
  Sockets sockets(boss);
  grove::Group working; // ends before the sockets, however this function does
  working.spawn([&] {
    for (;;)
      do_task(sockets.tasks.recv<Task>(), name, sockets.results);
  });
  static_cast<void>(sockets.control.recv()); // there is one command only
}

// A worker as an actor. It owns its sockets, and greenlets that end with it read them: what comes
// in is its mail.
class Worker : public grove::Actor {
public:
  Worker(const Endpoints& boss, std::string name) : name_(std::move(name)), sockets_(boss) {}

  void on_start() override {
    const auto me = self(*this);
    grove::spawn({.inherit = true}, [this, me] {
      for (;;)
        me.ask(sockets_.tasks.recv<Task>()); // waits, so that the ventilator feels it
    });
    grove::spawn({.inherit = true}, [this, me] {
      static_cast<void>(sockets_.control.recv());
      me.stop();
    });
  }
  void receive(const Task& task) { do_task(task, name_, sockets_.results); }

private:
  std::string name_;
  Sockets sockets_;
};

void run_as_actor(const Endpoints& boss, const std::string& name) {
  const auto worker = grove::spawn<Worker>(boss, name);
  try {
    worker.join();
  } catch (...) {
    worker.kill();
    throw;
  }
}

void run_as_thread(const Endpoints& boss, const std::string& name) {
  grove::HubThread thread(name);
  thread.call([&] { work(boss, name); });
}

void run_as_process(const Endpoints& boss, const std::string& name) {
  grove::Process process({"/proc/self/exe", "worker", boss.tasks, boss.results, boss.control,
                          "--name", name, "--child-of", std::to_string(::getpid())});
  fmt::print("pipeline: {} is process {}\n", name, process.pid());
  const auto status = process.wait();
  if (!status.success())
    throw std::runtime_error(name + " ended: " + to_string(status));
}

using RunWorker = void (*)(const Endpoints& boss, const std::string& name);
const std::map<std::string, RunWorker> kinds{{"greenlets", work},
                                             {"actors", run_as_actor},
                                             {"threads", run_as_thread},
                                             {"processes", run_as_process}};

// -- the boss ------------------------------------------------------------------------------------

void ventilate(const Options& options, zmq::Socket& tasks) {
  for (std::uint64_t number = 0; number < options.tasks; ++number)
    tasks.send(Task{number, options.work_ms}); // waits until some worker has room
}

// Each once, in whatever order; those of one worker in the order of the tasks.
void gather(const Options& options, zmq::Socket& results) {
  struct Share {
    std::uint64_t count = 0;
    std::uint64_t last = 0;
  };
  std::map<std::string, Share> shares;
  std::vector<bool> done(options.tasks);
  for (std::uint64_t i = 0; i < options.tasks; ++i) {
    const auto result = results.recv<Result>();
    if (done.at(result.number))
      throw std::runtime_error(fmt::format("task {} was done twice", result.number));
    done[result.number] = true;
    Share& share = shares[result.worker];
    if (share.count++ > 0 && result.number < share.last)
      throw std::runtime_error(result.worker + " has changed the order of its tasks");
    share.last = result.number;
  }
  for (const auto& [worker, share] : shares)
    fmt::print("pipeline: {} did {}\n", worker, share.count);
  fmt::print("pipeline: {} tasks done, each once\n", options.tasks);
}

void wait_for(std::size_t workers, zmq::Socket& control) {
  while (workers > 0) {
    if (control.recv().text().starts_with('\1')) // a subscription; \0: one that has gone again
      --workers;
  }
}

int run_boss(const Options& options) {
  zmq::Socket tasks(zmq::SocketType::push);
  zmq::Socket results(zmq::SocketType::pull);
  zmq::Socket control(zmq::SocketType::xpub);
  tasks.set(zmq::option::sndhwm, 1);
  control.set(zmq::option::xpub_verbose, true); // tell of each subscription, not of the first only
  const int port = options.port;
  const Endpoints tcp{.tasks = sample::listen(tasks, port),
                      .results = sample::listen(results, port == 0 ? 0 : port + 1),
                      .control = sample::listen(control, port == 0 ? 0 : port + 2)};
  fmt::print("pipeline: {} {} {}\n", tcp.tasks, tcp.results, tcp.control);

  // Within the process there is a shorter way to the same sockets.
  const bool inside = options.workers_as != "processes";
  const Endpoints inproc{.tasks = tasks.bind("inproc://tasks"),
                         .results = results.bind("inproc://results"),
                         .control = control.bind("inproc://control")};

  // If one of them fails (or we are told to end) the others are killed, and waited for.
  grove::scope([&](grove::Group& all) {
    for (unsigned i = 1; i <= options.workers; ++i) {
      all.spawn([&, i] {
        kinds.at(options.workers_as)(inside ? inproc : tcp, fmt::format("worker {}", i));
      });
    }
    all.spawn([&] {
      wait_for(options.workers + options.outside, control);
      all.spawn([&] { ventilate(options, tasks); });
      gather(options, results);
      control.send(stop);
    });
  });
  return 0;
}

} // namespace

int main(int argc, char** argv) {
  CLI::App app{"A pipeline: a boss hands out tasks to workers and gathers the results."};
  Options options;
  const CLI::Range some(0U, 1000U);
  auto* boss = app.add_subcommand("boss", "ventilator, sink and control, and workers if he likes");
  sample::add_port(*boss, options.port, "--port", "and on the next two");
  boss->add_option("--tasks", options.tasks, "how many")->capture_default_str();
  boss->add_option("--work", options.work_ms, "milliseconds for a task")->capture_default_str();
  boss->add_option("--workers", options.workers, "how many")->capture_default_str()->check(some);
  boss->add_option("--workers-as", options.workers_as, "what each of them is")
      ->capture_default_str()
      ->check(CLI::IsMember({"greenlets", "actors", "threads", "processes"}));
  boss->add_option("--outside", options.outside, "so many more are started by somebody else")
      ->capture_default_str()
      ->check(some);
  auto* worker = app.add_subcommand("worker", "does tasks until the boss says stop");
  worker->add_option("TASKS", options.boss.tasks, "the endpoints that the boss prints")->required();
  worker->add_option("RESULTS", options.boss.results, "")->required();
  worker->add_option("CONTROL", options.boss.control, "")->required();
  worker->add_option("--name", options.name, "shown in the report")->capture_default_str();
  worker->add_option("--child-of", options.child_of, "end when this process, our parent, does");
  return sample::run_role(app, argc, argv, [&] {
    if (*boss)
      return run_boss(options);
    if (options.child_of != 0) { // its end may be so sudden that it can not tell us
      ::prctl(PR_SET_PDEATHSIG, SIGTERM);
      if (::getppid() != options.child_of)
        return 1;
    }
    work(options.boss, options.name);
    return 0;
  });
}
