// SPDX-License-Identifier: MIT
// ServerCore: what all servers share with their greenlets and their calls under way.
#pragma once

#include <chrono>
#include <cstddef>
#include <exception>
#include <memory>
#include <string>

#include <grove/hub/deadline.hpp>
#include <grove/hub/detail/wait.hpp>
#include <grove/hub/event.hpp>
#include <grove/hub/greenlet.hpp>
#include <grove/net/spawn_policy.hpp>

#include "handlers.hpp"

namespace grove::net::detail {

struct ServerCoreOptions {
  const char* kind; // "StreamServer"
  SpawnPolicy spawn;
  std::size_t limit; // of handlers under way
  std::size_t in_a_row;
  std::chrono::milliseconds min_delay, max_delay;
};

// One greenlet takes what comes and starts a handler for it. It is never killed to stop it: what it
// has taken is handled.
class ServerCore {
public:
  // std::invalid_argument for options that make no sense.
  explicit ServerCore(const ServerCoreOptions& options);
  ServerCore(const ServerCore&) = delete;
  ServerCore& operator=(const ServerCore&) = delete;
  virtual ~ServerCore() = default;

  virtual void start() = 0;
  virtual void stop_taking() = 0; // never waits
  void serve_forever(std::chrono::milliseconds grace);
  bool wait_stopped(Deadline deadline) { return stopped_.wait(deadline); }
  bool stop(Deadline deadline);

  // In the child of a fork() there is only a copy: none of its greenlets is there.
  bool is_copy() const;
  // What becomes of it: it closes its descriptor, and is kept for good.
  static void abandon(const std::shared_ptr<ServerCore>& copy);

  bool taking() const { return taking_; }
  const Handlers& handlers() const { return handlers_; }
  virtual std::string to_string() const = 0;

protected:
  // Waits for one and puts it in line; returns also when taking() has ended.
  virtual void take_one() = 0;
  // After what take_one() throws, and before the pause.
  virtual void failed(const std::exception& /*error*/) {}
  // Nothing uses the socket any more.
  virtual void release() noexcept = 0;

  void check_home(const char* what) const;                // std::logic_error; also for a copy
  void begin();                                           // from now on it is taking()
  void end();                                             // not any more
  Event::WaitOp ending_op() { return ending_.wait_op(); } // for who waits in take_one()
  void succeeded() { delay_ = std::chrono::milliseconds(0); }
  std::size_t pauses() const { return pauses_; }
  Handlers& jobs() { return handlers_; }

private:
  void run();
  void start_first();
  void pause(const std::exception_ptr& error);
  void taker_ended() noexcept;
  void look_whether_stopped() noexcept;

  grove::detail::HomeCheck home_;
  ServerCoreOptions options_;
  bool taking_ = false;
  int process_ = 0;                    // that it was started in
  bool running_ = false;               // the greenlet
  std::size_t in_a_row_ = 0;           // taken since others had their turn
  std::chrono::milliseconds delay_{0}; // of the last pause; 0 after a success
  std::size_t pauses_ = 0;
  Event ending_; // ends a pause
  Event stopped_;
  Handlers handlers_;
};

} // namespace grove::net::detail
