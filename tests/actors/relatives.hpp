// SPDX-License-Identifier: MIT
// An actor for the tests of what actors do to each other: it logs what it hears.
#pragma once

#include <functional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <grove/actors.hpp>

#include "../support/hub_test.hpp"

namespace grove::test {

class Relative;

struct Say {
  std::string what;
};
struct Fail {
  std::string what;
};
struct Watch {
  ActorRef<Actor> whom;
};
struct Link {
  ActorRef<Actor> whom;
};
struct Do { // runs f in the handler
  std::function<void(Relative&)> f;
};

enum class Dies { never, in_constructor, in_start, after_start };

class Relative : public Actor {
public:
  Relative(Log& l, std::string n, Dies d = Dies::never) : log(l), name(std::move(n)), dies(d) {
    if (dies == Dies::in_constructor)
      throw std::runtime_error("no constructor");
  }
  void on_start() override {
    if (dies == Dies::in_start)
      throw std::runtime_error("no start");
    if (dies == Dies::after_start)
      stop();
  }
  void on_stop(const ExitReason& reason) override {
    if (tells_stop)
      log.push_back(name + ": on_stop: " + reason.what());
  }
  void on_down(const Down& down) override {
    log.push_back(name + ": down: " + down.reason.what());
    if (fails_on_down)
      throw std::runtime_error("on_down");
  }
  void on_exit(const Exit& exit) override { log.push_back(name + ": exit: " + exit.reason.what()); }

  void receive(const Say& m) { log.push_back(name + ": " + m.what); }
  void receive(const Fail& m) { throw std::runtime_error(m.what); }
  void receive(const Watch& m) { monitors.push_back(monitor(m.whom)); }
  void receive(const Link& m) { link(m.whom); }
  void receive(const Do& m) { m.f(*this); }

  using Actor::link;
  using Actor::monitor;
  using Actor::spawn_child;
  using Actor::spawn_link;
  using Actor::spawn_monitor;
  using Actor::stop;
  using Actor::trap_exits;
  using Actor::unlink;

  Log& log;
  std::string name;
  Dies dies;
  bool tells_stop = false;
  bool fails_on_down = false;
  std::vector<Monitor> monitors;
};

} // namespace grove::test
