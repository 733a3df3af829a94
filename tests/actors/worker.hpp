// SPDX-License-Identifier: MIT
// A supervised actor for tests, and the fixture that starts it.
#pragma once

#include <chrono>
#include <map>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <grove/actors.hpp>

#include "../support/hub_test.hpp"
#include "relatives.hpp"

namespace grove::test {

// What workers share with their test.
struct World {
  Log* log;
  std::map<std::string, int>* fails_to_start; // so often
};

struct FailAtEnd {};
struct SleepAtEnd {
  std::chrono::nanoseconds time;
};
struct Sleep {
  std::chrono::nanoseconds time;
};
struct Ask {
  int number;
};
struct Note {
  std::string text;
};
struct Rename {
  std::string name;
};
struct Name {};
struct Breed { // a child of its own
  std::string name;
};

class Worker : public Actor {
public:
  Worker(World* world, std::string name) : world_(world), name_(std::move(name)) {}
  void on_start() override {
    if ((*world_->fails_to_start)[name_] > 0) {
      --(*world_->fails_to_start)[name_];
      world_->log->push_back(name_ + " fails to start");
      throw std::runtime_error("no start of " + name_);
    }
    world_->log->push_back(name_ + " starts");
  }
  void on_stop(const ExitReason& reason) override {
    world_->log->push_back(name_ + " ends: " + reason.what());
    if (sleep_at_end_.count() > 0)
      sleep(sleep_at_end_);
    if (fails_at_end_)
      throw std::runtime_error("at the end");
  }
  void receive(const Fail& m) { throw std::runtime_error(m.what); }
  void receive(const FailAtEnd&) { fails_at_end_ = true; }
  void receive(const SleepAtEnd& m) { sleep_at_end_ = m.time; }
  void receive(const Sleep& m) { sleep(m.time); }
  int receive(const Ask& m) { return m.number; }
  void receive(const Note& m) { world_->log->push_back(name_ + ": " + m.text); }
  void receive(const Rename& m) { name_ = m.name; }
  std::string receive(const Name&) { return name_; }
  void receive(const Breed& m) { spawn_child<Worker>(world_, m.name); }

private:
  World* world_;
  std::string name_;
  bool fails_at_end_ = false;
  std::chrono::nanoseconds sleep_at_end_{0};
};

// Adds workers, named as their specs, in its on_start.
class Root : public Supervisor {
public:
  Root(const SupervisorOptions& options, std::vector<ChildSpec> specs, World* world)
      : Supervisor(options), specs_(std::move(specs)), world_(world) {}
  void on_start() override {
    for (const ChildSpec& spec : specs_)
      add<Worker>(spec, world_, spec.id);
  }

private:
  std::vector<ChildSpec> specs_;
  World* world_;
};

class SupervisedTest : public HubTest {
protected:
  ActorRef<Root> supervise(const SupervisorOptions& options, std::vector<ChildSpec> specs) {
    root_ = spawn<Root>(options, std::move(specs), &world_);
    return root_;
  }
  static ChildInfo info(const ActorRef<Root>& root, const std::string& id) {
    for (ChildInfo& one : root.ask(Supervisor::Children{})) {
      if (one.id == id)
        return std::move(one);
    }
    throw std::out_of_range(id);
  }
  ActorRef<Worker> child(const std::string& id) {
    const auto ref = info(root_, id).actor.joinable();
    return {ref.identity, ref.generation};
  }
  void fail(const std::string& id) {
    child(id).tell(Fail{"oops"});
    settle();
  }

  ErrorLog errors_;
  Log log_;
  std::map<std::string, int> fails_to_start_;
  World world_{&log_, &fails_to_start_};
  ActorRef<Root> root_;
};

} // namespace grove::test
