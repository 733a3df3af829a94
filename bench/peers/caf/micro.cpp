// SPDX-License-Identifier: MIT
// micro ROW: what bench/actors measures, with CAF 0.17; prints "ROW CAF VALUE UNIT".
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <future>
#include <thread>
#include <utility>
#include <vector>

#include <unistd.h>

#include <caf/all.hpp>

using caf::actor;
using caf::actor_system;
using caf::behavior;
using caf::event_based_actor;

namespace {

using Clock = std::chrono::steady_clock;
using go_atom = caf::atom_constant<caf::atom("go")>;
using arrived_atom = caf::atom_constant<caf::atom("arrived")>;

double ns_since(Clock::time_point start) {
  return std::chrono::duration<double, std::nano>(Clock::now() - start).count();
}
double resident_bytes() {
  std::size_t total = 0;
  std::size_t resident = 0;
  std::ifstream("/proc/self/statm") >> total >> resident;
  return static_cast<double>(resident) * static_cast<double>(sysconf(_SC_PAGESIZE));
}
void require(bool ok, const char* what) {
  if (!ok) {
    std::fprintf(stderr, "caf: wrong %s\n", what);
    std::_Exit(1);
  }
}

struct Figure {
  double value;
  const char* unit;
};

// -- message: two actors, each of which answers the other -----------------------------------------

constexpr int64_t hits = 1'000'000;

struct Player {
  actor partner;
};
behavior player(caf::stateful_actor<Player>* self, std::promise<int64_t>* over) {
  return {
      [=](go_atom, const actor& partner) { self->state.partner = partner; },
      [=](int64_t left) {
        if (left > 0) {
          self->send(self->state.partner, left - 1);
          return;
        }
        over->set_value(left);
      },
  };
}
Figure message(actor_system& system) {
  std::promise<int64_t> over;
  auto one = system.spawn(player, &over);
  auto other = system.spawn(player, &over);
  caf::anon_send(one, go_atom::value, other);
  caf::anon_send(other, go_atom::value, one);
  const auto start = Clock::now();
  caf::anon_send(one, hits - 1);
  over.get_future().wait();
  const double taken = ns_since(start);
  caf::anon_send_exit(one, caf::exit_reason::kill);
  caf::anon_send_exit(other, caf::exit_reason::kill);
  return {taken / hits, "ns"};
}

// -- stream: a producer and a consumer, each on a thread ------------------------------------------

constexpr int64_t batch = 1'024; // acknowledged at a time
constexpr int64_t batches_under_way = 16;
constexpr int64_t batches = 8'192;

// Both threads would do with one processor otherwise, as the scheduler sees it.
void use_processor(int index) {
  cpu_set_t usable;
  cpu_set_t one;
  CPU_ZERO(&one);
  sched_getaffinity(0, sizeof usable, &usable);
  for (int i = 0; i < CPU_SETSIZE; ++i) {
    if (CPU_ISSET(i, &usable) && index-- == 0)
      CPU_SET(i, &one);
  }
  pthread_setaffinity_np(pthread_self(), sizeof one, &one);
}

struct Count {
  int64_t value = 0;
  actor other;
};
behavior sink(caf::stateful_actor<Count>* self, std::promise<int64_t>* over) {
  return {
      [=](go_atom, const actor& spring) {
        use_processor(1);
        self->state.other = spring;
      },
      [=](int64_t amount) {
        self->state.value += amount;
        if (self->state.value % batch == 0)
          self->send(self->state.other, arrived_atom::value);
        if (self->state.value == batches * batch)
          over->set_value(self->state.value);
      },
  };
}
behavior spring(caf::stateful_actor<Count>* self, const actor& to) {
  const auto send_batch = [=] {
    if (self->state.value++ == batches)
      return;
    for (int64_t i = 0; i < batch; ++i)
      self->send(to, int64_t{1});
  };
  return {
      [=](go_atom) {
        use_processor(0);
        for (int64_t i = 0; i < batches_under_way; ++i)
          send_batch();
      },
      [=](arrived_atom) {
        if (self->state.value < batches)
          send_batch();
      },
  };
}
Figure stream(actor_system& system) {
  std::promise<int64_t> over;
  auto to = system.spawn<caf::detached>(sink, &over);
  auto from = system.spawn<caf::detached>(spring, to);
  caf::anon_send(to, go_atom::value, from);
  const auto start = Clock::now();
  caf::anon_send(from, go_atom::value);
  const auto received = over.get_future().get();
  const double taken = ns_since(start);
  require(received == batches * batch, "number of drops");
  caf::anon_send_exit(from, caf::exit_reason::kill);
  caf::anon_send_exit(to, caf::exit_reason::kill);
  return {taken / static_cast<double>(received), "ns"};
}

// -- many to one: a hundred senders, again when all has arrived -----------------------------------

constexpr int64_t senders = 100;

struct Crowd {
  std::vector<actor> senders;
  int64_t left = 0;
  int64_t rounds = 0;
};
behavior receiver(caf::stateful_actor<Crowd>* self, int64_t each, int64_t rounds,
                  std::promise<void>* over) {
  const auto again = [=] {
    Crowd& crowd = self->state;
    crowd.left = senders * each;
    for (const auto& sender : crowd.senders)
      self->send(sender, go_atom::value);
  };
  return {
      [=](go_atom, const std::vector<actor>& crowd) {
        self->state.senders = crowd;
        self->state.rounds = rounds;
        again();
      },
      [=](int64_t amount) {
        Crowd& crowd = self->state;
        crowd.left -= amount;
        if (crowd.left > 0)
          return;
        if (--crowd.rounds > 0)
          again();
        else
          over->set_value();
      },
  };
}
behavior sender(event_based_actor* self, const actor& to, int64_t each) {
  return {[=](go_atom) {
    for (int64_t i = 0; i < each; ++i)
      self->send(to, int64_t{1});
  }};
}
Figure crowd(actor_system& system, int64_t each, int64_t rounds) {
  std::promise<void> over;
  auto to = system.spawn(receiver, each, rounds, &over);
  std::vector<actor> all;
  for (int64_t i = 0; i < senders; ++i)
    all.push_back(system.spawn(sender, to, each));
  const auto start = Clock::now();
  caf::anon_send(to, go_atom::value, all);
  over.get_future().wait();
  const double taken = ns_since(start);
  for (const auto& one : all)
    caf::anon_send_exit(one, caf::exit_reason::kill);
  caf::anon_send_exit(to, caf::exit_reason::kill);
  return {taken / static_cast<double>(senders * each * rounds), "ns"};
}
Figure many_to_one(actor_system& system) { return crowd(system, 100'000, 1); }
Figure fan_in(actor_system& system) { return crowd(system, 900, 40); }
Figure bursts(actor_system& system) { return crowd(system, 10, 2'000); }

// -- skynet: a tree with a million leaves ---------------------------------------------------------

behavior node(event_based_actor* self, const actor& parent, int64_t first, int64_t leaves) {
  if (leaves == 1) {
    self->send(parent, first);
    self->quit();
    return {[](int64_t) {}};
  }
  const int64_t part = leaves / 10;
  for (int64_t i = 0; i < 10; ++i)
    self->spawn(node, actor{self}, first + i * part, part);
  return {[=, sum = int64_t{0}, reported = 0](int64_t value) mutable {
    sum += value;
    if (++reported == 10) {
      self->send(parent, sum);
      self->quit();
    }
  }};
}
behavior root(event_based_actor* self, std::promise<int64_t>* over) {
  return {[=](int64_t sum) {
    over->set_value(sum);
    self->quit();
  }};
}
Figure skynet(actor_system& system) {
  constexpr int64_t leaves = 1'000'000;
  std::promise<int64_t> over;
  const auto start = Clock::now();
  system.spawn(node, system.spawn(root, &over), int64_t{0}, leaves);
  const auto sum = over.get_future().get();
  const double taken = ns_since(start);
  require(sum == leaves * (leaves - 1) / 2, "sum");
  return {taken / 1e6, "ms"};
}

// -- spawn_actor: 64 at a time are made, get a message and stop -----------------------------------

constexpr int64_t actors_at_a_time = 64;
constexpr int64_t births = 8'000 * actors_at_a_time;

behavior mayfly(event_based_actor* self, const actor& parent, int64_t* seen) {
  return {[=](int64_t amount) {
    *seen += amount;
    if (*seen % actors_at_a_time == 0)
      self->send(parent, go_atom::value);
    self->quit();
  }};
}
behavior breeder(event_based_actor* self, int64_t* seen, std::promise<void>* over) {
  return {[=](go_atom) {
    if (*seen == births) {
      over->set_value();
      return;
    }
    for (int64_t i = 0; i < actors_at_a_time; ++i)
      self->send(self->spawn(mayfly, actor{self}, seen), int64_t{1});
  }};
}
Figure spawn_actor(actor_system& system) {
  std::promise<void> over;
  int64_t seen = 0;
  auto parent = system.spawn(breeder, &seen, &over);
  const auto start = Clock::now();
  caf::anon_send(parent, go_atom::value);
  over.get_future().wait();
  const double taken = ns_since(start);
  require(seen == births, "number of messages");
  caf::anon_send_exit(parent, caf::exit_reason::kill);
  return {taken / births, "ns"};
}

// -- idle_actors: bytes of each of a million ------------------------------------------------------

Figure idle_actors(actor_system& system) {
  constexpr std::size_t population = 1'000'000;
  static std::atomic<std::size_t> seen{0};
  std::vector<actor> all;
  all.reserve(population);
  const double before = resident_bytes();
  for (std::size_t i = 0; i < population; ++i) {
    all.push_back(system.spawn([]() -> behavior { return {[](int64_t) { ++seen; }}; }));
    caf::anon_send(all.back(), int64_t{1});
  }
  while (seen < population)
    std::this_thread::yield();
  return {(resident_bytes() - before) / static_cast<double>(population), "bytes"};
}

struct Row {
  const char* name;
  Figure (*measure)(actor_system&);
  std::size_t threads;
};
constexpr Row rows[] = {
    {"message", message, 1},
    {"stream", stream, 2},
    {"many_to_one", many_to_one, 1},
    {"many_to_one_two_cores", many_to_one, 2},
    {"many_to_one_bursts", bursts, 1},
    {"fan_in", fan_in, 1},
    {"skynet", skynet, 1},
    {"spawn_actor", spawn_actor, 1},
    {"idle_actors", idle_actors, 1},
};

} // namespace

int main(int argc, char** argv) {
  for (const Row& row : rows) {
    if (argc < 2 || std::strcmp(argv[1], row.name) != 0)
      continue;
    caf::actor_system_config config;
    config.set("scheduler.max-threads", row.threads);
    actor_system system{config};
    const Figure figure = row.measure(system);
    std::printf("%s CAF %.2f %s\n", row.name, figure.value, figure.unit);
    std::fflush(stdout);
    std::_Exit(0); // the end of a million actors is nobody's figure
  }
  std::fprintf(stderr, "usage: micro ROW; the rows:");
  for (const Row& row : rows)
    std::fprintf(stderr, " %s", row.name);
  std::fprintf(stderr, "\n");
  return 2;
}
