// SPDX-License-Identifier: MIT
// Workers on threads and in processes of their own.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include <grove/hub.hpp>

#include "pipeline.hpp"

namespace word_count {

// A Worker does its job while the object lives. Should it fail, `failed` is set to why.
class Worker {
public:
  Worker() = default;
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;
  virtual ~Worker() = default;
};

class WorkerThread : public Worker {
public:
  WorkerThread(const std::string& name, const Job& job, const grove::AsyncResult<void>& failed);

private:
  grove::HubThread thread_;
};

// Runs this very program again, in the role of a worker.
class WorkerProcess : public Worker {
public:
  // std::system_error if it cannot be started.
  WorkerProcess(const std::string& name, const Job& job, const grove::AsyncResult<void>& failed);
  // Kills the process, and waits for its end.
  ~WorkerProcess() override;

  // The other side: if the command line asks for a worker, works until the process is killed, or
  // loses its parent. Nothing if it does not ask; else the exit status.
  static std::optional<int> run_if_asked(int argc, char** argv);

private:
  pid_t pid_ = -1;
  int ended_ = -1; // a pidfd: readable when the process has ended
  grove::GreenletRef<> watcher_;
};

} // namespace word_count
