// SPDX-License-Identifier: MIT
// word_count: a pipeline over ZeroMQ that counts words as sort | uniq -c | sort -rn does.
#include <fmt/core.h>

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <concepts>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <grove/actors.hpp>
#include <grove/zmq.hpp>

#include "options.hpp"
#include "pipeline.hpp"
#include "word_table.hpp"
#include "workers.hpp"

namespace word_count {

namespace {

using namespace std::chrono_literals;
namespace zmq = grove::zmq;

constexpr auto help = R"(Count words, and print the most frequent ones, as this pipeline does:

    export LC_ALL=C
    cat FILE... | tr -cs '[:alnum:]' '\n' | sed '/^$/d' |
      sort | uniq -c | sort -rn | head -n TOP

A word is a longest run of letters and digits (of ASCII). --words alpha: of letters
only, tr -cs '[:alpha:]' '\n'; --words space: of anything but white space,
tr -s '[:space:]' '\n'. Words of equal count come in descending order of their bytes.

A ventilator hands out the text over a PUSH socket on tcp loopback; workers count;
a sink adds up. What they do, and where they listen, is told on stderr.
)";

struct Options {
  std::vector<std::string> files;
  std::string words = "alnum";
  std::size_t top = 10;
  int workers = 2;
  bool processes = false;
  int port = 0;
};

std::string bind(zmq::Socket& socket, int port) {
  try {
    return socket.bind(fmt::format("tcp://127.0.0.1:{}", port == 0 ? "*" : std::to_string(port)));
  } catch (const std::system_error& error) {
    if (error.code() != std::errc::address_in_use)
      throw;
    throw std::runtime_error(fmt::format("port {} is in use by another program; name a free one "
                                         "with --port, or take any with --port 0",
                                         port));
  }
}

// Shows how far the dictionary is, in one line of the terminal, while the object lives. On anything
// but a terminal it is silent.
class ProgressLine {
public:
  ProgressLine(grove::ActorRef<Dictionary> dictionary, std::uint64_t size) {
    if (::isatty(STDERR_FILENO) == 1)
      greenlet_ = grove::spawn(show, dictionary, size);
  }
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;
  ~ProgressLine() {
    if (!greenlet_)
      return;
    const grove::Shield shield;
    greenlet_.kill();
    fmt::print(stderr, "{}", clear);
  }

private:
  static void show(grove::ActorRef<Dictionary> dictionary, std::uint64_t size) {
    for (;;) {
      grove::sleep(200ms);
      const std::uint64_t bytes = dictionary.ask(HowFar{});
      fmt::print(stderr, "{}word_count: {:.1f} of {:.1f} MB", clear,
                 static_cast<double>(bytes) / 1e6, static_cast<double>(size) / 1e6);
    }
  }
  static constexpr auto clear = "\r\033[K";
  grove::GreenletRef<> greenlet_;
};

// Greenlets that do not outlive this object. If one of them fails, `failed` is set to why.
class Stages {
public:
  explicit Stages(grove::AsyncResult<void> failed) : failed_(std::move(failed)) {}
  Stages(const Stages&) = delete;
  Stages& operator=(const Stages&) = delete;
  ~Stages() {
    const grove::Shield shield;
    grove::kill_all(greenlets_);
  }

  template <std::invocable F>
  void run(F stage) {
    greenlets_.push_back(grove::spawn([stage, failed = failed_] {
      try {
        stage();
      } catch (const std::exception&) {
        failed.set_exception(std::current_exception());
      }
    }));
  }

private:
  grove::AsyncResult<void> failed_;
  std::vector<grove::GreenletRef<>> greenlets_;
};

// Runs the whole pipeline.
std::unique_ptr<WordTable> count(const Options& options) {
  const std::uint64_t size = Input::check(options.files);

  zmq::Socket chunks = make_socket(zmq::SocketType::push);
  zmq::Socket tallies = make_socket(zmq::SocketType::pull);
  const Job job{
      .words = options.words,
      .chunks = bind(chunks, options.port),
      .tallies = bind(tallies, options.port == 0 ? 0 : options.port + 1),
      .table = all_tables / static_cast<std::size_t>(options.workers),
  };
  fmt::print(stderr, "word_count: chunks leave from {}, counts arrive at {}\n", job.chunks,
             job.tallies);

  const grove::AsyncResult<void> complete; // or what went wrong first
  std::vector<std::unique_ptr<Worker>> workers;
  for (int number = 1; number <= options.workers; ++number) {
    const std::string name = fmt::format("worker {}", number);
    if (options.processes)
      workers.push_back(std::make_unique<WorkerProcess>(name, job, complete));
    else
      workers.push_back(std::make_unique<WorkerThread>(name, job, complete));
  }

  const auto dictionary = grove::spawn<Dictionary>(complete);
  Input input(options.files, Alphabet(options.words), chunk_size);
  Stages stages(complete);
  stages.run([&] { ventilate(chunks, input, dictionary); });
  stages.run([&] { collect(tallies, dictionary); });
  const ProgressLine progress(dictionary, size);
  complete.get();
  return dictionary.ask(TakeTable{});
}

void print_top(WordTable& table, std::size_t top) {
  const std::size_t all = table.entries().size();
  const std::size_t shown = top == 0 ? all : std::min(top, all);
  table.rank(shown);
  for (std::size_t i = 0; i < shown; ++i) {
    const auto& [word, count] = table.entries()[i];
    fmt::print("{:7} ", count);
    std::fwrite(word.data(), 1, word.size(), stdout);
    std::putchar('\n');
  }
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0)
    throw std::system_error(errno, std::generic_category(), "cannot write the result");
}

int run(int argc, char** argv) {
  if (const auto status = WorkerProcess::run_if_asked(argc, argv))
    return *status;

  CLI::App app{help};
  Options options;
  app.add_option("FILE", options.files, "what to read")->required();
  app.add_option("--top", options.top, "print so many words; 0: all")
      ->capture_default_str()
      ->check(CLI::Range(std::size_t{0}, std::size_t{1'000'000'000'000}));
  app.add_option("--words", options.words, "what a word is: alnum, alpha or space")
      ->capture_default_str()
      ->check(CLI::IsMember({"alnum", "alpha", "space"}));
  app.add_option("--workers", options.workers, "how many count, each on a thread of its own")
      ->capture_default_str()
      ->check(CLI::Range(1, 64));
  app.add_flag("--processes", options.processes, "each worker is a process instead");
  app.add_option("--port", options.port, "listen on this port of 127.0.0.1 and the next; 0: any")
      ->capture_default_str()
      ->check(CLI::Range(0, 65534));
  if (const auto status = sample::parse(app, argc, argv))
    return *status;

  try {
    const auto begin = std::chrono::steady_clock::now();
    const auto table = count(options);
    print_top(*table, options.top);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    std::uint64_t words = 0;
    for (const WordTable::Entry& entry : table->entries())
      words += entry.count;
    fmt::print(stderr, "word_count: {} words, {} different ones, in {:.2f} s\n", words,
               table->entries().size(), took.count());
    return 0;
  } catch (const std::exception& error) {
    fmt::print(stderr, "word_count: {}\n", error.what());
    return 1;
  }
}

} // namespace
} // namespace word_count

int main(int argc, char** argv) { return grove::main(argc, argv, word_count::run); }
