// SPDX-License-Identifier: MIT
// Scenarios of the kill-and-timeout sweep. A new one is a class beside the tests of what it is
// about, and a line that adds it:
//
//   [[maybe_unused]] const bool added = add_scenarios({scenario_row<PipeRelay>("pipe_relay")});
//
// It is played undisturbed once, and then again and again, with a kill or an expired Timeout scope
// at each suspension point of its victim in turn.
#pragma once

#include <initializer_list>
#include <memory>
#include <vector>

namespace grove::test {

class Scenario {
public:
  Scenario() = default;
  Scenario(const Scenario&) = delete;
  Scenario& operator=(const Scenario&) = delete;
  // Ends whatever still runs. What is left of greenlets, timers, watches afterwards is an error.
  virtual ~Scenario() = default;

  // Called in main before the victim begins: spawns those around it.
  virtual void begin() {}
  // What the victim does. It waits in what the scenario is about, and lets every exception pass.
  virtual void victim() = 0;
  // Called in main when the victim has ended, in whatever way: nothing is lost, nobody is left in
  // line, all of it works.
  virtual void check() = 0;
};

struct ScenarioRow {
  const char* name;
  std::unique_ptr<Scenario> (*make)();
};
template <class T>
constexpr ScenarioRow scenario_row(const char* name) {
  return {name, []() -> std::unique_ptr<Scenario> { return std::make_unique<T>(); }};
}

inline std::vector<ScenarioRow>& scenarios() {
  static std::vector<ScenarioRow> all;
  return all;
}
// For a static's initializer: the sweep is made when main() has begun.
inline bool add_scenarios(std::initializer_list<ScenarioRow> rows) {
  scenarios().insert(scenarios().end(), rows);
  return true;
}

} // namespace grove::test
