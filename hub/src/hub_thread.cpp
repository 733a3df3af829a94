// SPDX-License-Identifier: MIT
// HubThread: a hub on a thread of its own.
#include <grove/hub/hub_thread.hpp>

#include <pthread.h>

#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <thread>

#include <grove/hub/event.hpp>
#include <grove/hub/timeout.hpp>

#include "hub_impl.hpp"

namespace grove {

struct HubThread::Running {
  std::thread thread;
  Hub* hub = nullptr;
  Event* stop = nullptr;         // on the thread's own stack; set there
  std::atomic<bool> over{false}; // its hub has shut down
};

HubThread::HubThread(std::string name) : running_(std::make_unique<Running>()) {
  std::promise<void> ready;
  running_->thread = std::thread([this, name = std::move(name), &ready] {
    detail::HubImpl* hub = nullptr;
    try {
      if (!name.empty())
        pthread_setname_np(pthread_self(), name.substr(0, 15).c_str());
      hub = &detail::open_hub();
    } catch (...) {
      ready.set_exception(std::current_exception());
      return;
    }
    Event stop;
    running_->hub = hub;
    running_->stop = &stop;
    ready.set_value();
    {
      const auto owner = hub->attach(); // ~HubThread will come: to wait for it is no deadlock
      stop.wait();
    }
    hub->shut_down();
    running_->over = true;
  });
  try {
    ready.get_future().get();
  } catch (...) {
    running_->thread.join();
    throw;
  }
}

HubThread::~HubThread() {
  if (detail::this_hub->index == detail::no_hub_index) {
    if (running_->hub->post([stop = running_->stop] { stop->set(); }))
      running_->thread.join();
    else // in the child of a fork(): the thread is not here
      running_->thread.detach();
    return;
  }
  // A plain join would stop this hub, on which the other one may wait while it shuts down.
  const Shield shield;
  const Hub::Attachment attachment = Hub::current().attach(); // a thread, no hub, will wake us
  AsyncResult<void> ended;
  if (!running_->hub->post([stop = running_->stop] { stop->set(); })) {
    running_->thread.detach();
    return;
  }
  bool helped = true;
  try {
    std::thread([this, ended] {
      running_->thread.join();
      ended.set();
    }).detach();
  } catch (...) { // there are too many threads
    helped = false;
  }
  if (helped) {
    ended.wait();
    return;
  }
  while (!running_->over)
    sleep(std::chrono::milliseconds(1));
  running_->thread.join(); // what is thread_local there is all that is left to be destroyed
}

Hub& HubThread::hub() const { return *running_->hub; }

namespace detail {

void block_on(Hub& hub, const std::function<void()>& f, Deadline deadline) {
  std::promise<void> done;
  std::future<void> future = done.get_future();
  const auto runs = std::make_shared<GreenletRef<>>(); // touched on that hub only
  // A call that is dropped unrun, or killed with its hub, breaks the promise.
  hub.post([&f, runs, promise = std::move(done)]() mutable {
    *runs = current_greenlet();
    try {
      f();
      promise.set_value();
    } catch (const GreenletExit&) {
      *runs = {};
      if (!is_shutting_down())
        promise.set_exception(std::make_exception_ptr(Killed("HubThread.call: it was killed")));
      throw;
    }
    *runs = {};
  });
  bool late = false;
  if (!deadline.is_never()) {
    const std::chrono::steady_clock::time_point end{
        std::chrono::nanoseconds(deadline.nanoseconds())};
    late = future.wait_until(end) == std::future_status::timeout;
  }
  if (late) {
    hub.post([runs] {
      if (*runs)
        runs->kill_nowait();
    });
    future.wait();
    throw TimeoutError("HubThread.call: not done in time");
  }
  try {
    future.get();
  } catch (const std::future_error&) {
    throw Closed("grove: the hub has shut down");
  }
}

} // namespace detail
} // namespace grove
