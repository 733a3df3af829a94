// SPDX-License-Identifier: MIT
// What is behind a Process.
#pragma once

#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <grove/hub/detail/wait.hpp>
#include <grove/hub/detail/watch.hpp>
#include <grove/hub/hub.hpp>
#include <grove/hub/process.hpp>

#include "signals.hpp"

namespace grove {

// Kept alive by the calls under way. The end is looked for only while somebody waits for it.
struct Process::State : std::enable_shared_from_this<Process::State> {
  State(const std::vector<std::string>& argv, const ProcessOptions& options);
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State();

  // True once it has ended: collects it, and tells who waits. Its own hub, or the loop.
  bool see_end() noexcept;
  void look(); // until stop_looking(): somebody waits
  void stop_looking() noexcept;

  struct Route : detail::SignalRoute {
    State* owner = nullptr;
  };

  detail::HomeCheck home;
  std::string name;
  pid_t pid = -1;
  pid_t owner; // the process that started it
  bool leads_group;
  bool gone = false; // the Process was destroyed, or detached
  int pidfd = -1;
  std::optional<ExitStatus> status;
  detail::WaitList waiters; // for its end
  std::optional<detail::Watch> watch;
  Route route; // where there is no pidfd
  std::optional<Hub::Attachment> awaited;

  std::optional<PipeWriter> in;
  std::optional<PipeReader> out;
  std::optional<PipeReader> err;

  // communicate(), as far as it came
  bool talking = false;
  std::string input;
  std::size_t written = 0;
  std::string output;
  std::string error_output;
  detail::WaitList talkers;
};

} // namespace grove
