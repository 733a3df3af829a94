// SPDX-License-Identifier: MIT
// Rows of the blocking matrix: events, results, greenlets of this hub and of others, descriptors.
#include <memory>
#include <optional>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

#include <grove/hub/async_result.hpp>
#include <grove/hub/descriptor.hpp>
#include <grove/hub/event.hpp>
#include <grove/hub/greenlet.hpp>
#include <grove/hub/hub_thread.hpp>
#include <grove/hub/join.hpp>
#include <grove/hub/shared_queue.hpp>
#include <grove/hub/timeout.hpp>
#include <grove/hub/wait.hpp>
#include <grove/hub/wait_any.hpp>

#include "../support/blocking_call.hpp"
#include "../support/hub_test.hpp"

namespace grove::test {
namespace {

class EventWait : public BlockingCall {
  bool call(Deadline deadline) override { return event_.wait(deadline); }
  void release() override { event_.set(); }
  void again() override { event_.clear(); }
  std::size_t waiters() const override { return event_.waiters(); }
  Event event_;
};

class ResultWait : public BlockingCall {
  bool call(Deadline deadline) override { return result_->wait(deadline); }
  void release() override { result_->set(1); }
  void again() override { result_.emplace(); }

protected:
  std::optional<AsyncResult<int>> result_{std::in_place};
};

class ResultGet : public ResultWait {
  bool call(Deadline deadline) override { return result_->get(deadline) == 1; }
  bool get_like() const override { return true; }
};

// Calls about a greenlet that ends when it is told to, and not when it is killed.
class AboutGreenlet : public BlockingCall {
public:
  AboutGreenlet() { again(); }
  ~AboutGreenlet() override {
    end_->set();
    target_.join();
  }
  void release() override { end_->set(); }
  bool direct() const override { return false; }
  void again() override {
    if (target_) {
      end_->set();
      target_.join();
    }
    end_ = std::make_unique<Event>();
    target_ = spawn([end = end_.get()] {
      Shield shield;
      end->wait();
      return 1;
    });
    yield();
  }

protected:
  std::unique_ptr<Event> end_;
  GreenletRef<int> target_;
};

class GreenletJoin : public AboutGreenlet {
  bool call(Deadline deadline) override { return target_.join(deadline); }
};
class GreenletGet : public AboutGreenlet {
  bool call(Deadline deadline) override { return target_.get(deadline) == 1; }
  bool get_like() const override { return true; }
};
class GreenletKill : public AboutGreenlet {
  bool call(Deadline deadline) override { return target_.kill(deadline); }
};
class GreenletKillWithError : public AboutGreenlet {
  bool call(Deadline deadline) override {
    return target_.kill(std::make_exception_ptr(TestError()), deadline);
  }
};
class JoinAll : public AboutGreenlet {
  bool call(Deadline deadline) override {
    auto finished = spawn([] {});
    return join_all({finished, target_}, deadline);
  }
};
class KillAll : public AboutGreenlet {
  bool call(Deadline deadline) override { return kill_all({target_}, deadline); }
};
class JoinFresh : public BlockingCall {
public:
  ~JoinFresh() override { target_.kill(); }

private:
  bool call(Deadline deadline) override { return target_.join(deadline); }
  void release() override { target_.start(); }
  bool direct() const override { return false; }
  void again() override {
    target_ = make_greenlet([] {});
  }
  GreenletRef<> target_ = make_greenlet([] {});
};

class WaitAnyEvent : public BlockingCall {
  bool call(Deadline deadline) override {
    return wait_any(event_.wait_op(), after(deadline)).index() == 0;
  }
  void release() override { event_.set(); }
  void again() override { event_.clear(); }
  std::size_t waiters() const override { return event_.waiters(); }
  Event event_;
};
class WaitAnyResult : public ResultWait {
  bool call(Deadline deadline) override {
    return wait_any(result_->wait_op(), after(deadline)).index() == 0;
  }
};
class WaitForResult : public ResultWait {
  bool call(Deadline deadline) override {
    AsyncResult<int>* all[] = {&*result_};
    return one_is_ready(all, deadline);
  }
};
class WaitAnyEnded : public AboutGreenlet {
  bool call(Deadline deadline) override {
    return wait_any(ended(target_), after(deadline)).index() == 0;
  }
};

class WaitForGreenlet : public AboutGreenlet {
  bool call(Deadline deadline) override {
    const std::vector<GreenletRef<int>> all{target_};
    return one_is_ready(all, deadline);
  }
};

// Handles to what runs on another hub, until it is told to end.
class AboutRemote : public BlockingCall {
public:
  AboutRemote() { again(); }
  ~AboutRemote() override {
    go_.put(0);
    target_.join();
  }
  void release() override { go_.put(0); }
  bool direct() const override { return false; }
  void again() override {
    if (target_) {
      go_.put(0);
      target_.join();
      (void)go_.try_get(); // it was over already
    }
    target_ = spawn(SpawnOptions{.hub = &other_.hub()}, [this] {
      const Shield shield;
      begun_.put(0);
      go_.get();
      return 1;
    });
    begun_.get();
  }

protected:
  GreenletRef<int> target_;

private:
  HubThread other_;
  SharedQueue<int> begun_;
  SharedQueue<int> go_;
};
class RemoteJoin : public AboutRemote {
  bool call(Deadline deadline) override { return target_.join(deadline); }
};
class RemoteGet : public AboutRemote {
  bool call(Deadline deadline) override { return target_.get(deadline) == 1; }
  bool get_like() const override { return true; }
};
class RemoteKill : public AboutRemote {
  bool call(Deadline deadline) override { return target_.kill(deadline); }
};

class Pipe : public BlockingCall {
public:
  Pipe() { EXPECT_EQ(pipe2(ends_, O_CLOEXEC | O_NONBLOCK), 0); }
  ~Pipe() override {
    close_descriptor(ends_[0]);
    close_descriptor(ends_[1]);
  }
  bool direct() const override { return false; }

protected:
  int ends_[2] = {-1, -1};
};
class Readable : public Pipe {
  bool call(Deadline deadline) override { return wait_readable(ends_[0], deadline); }
  void release() override { EXPECT_EQ(write(ends_[1], "x", 1), 1); }
  void again() override {
    char c = 0;
    EXPECT_EQ(read(ends_[0], &c, 1), 1);
  }
};
class Writable : public Pipe {
public:
  Writable() { again(); }

private:
  bool call(Deadline deadline) override { return wait_writable(ends_[1], deadline); }
  void release() override {
    char block[4096];
    while (read(ends_[0], block, sizeof block) > 0) {
    }
  }
  void again() override {
    const char block[4096] = {};
    while (write(ends_[1], block, sizeof block) > 0) {
    }
  }
};

[[maybe_unused]] const bool rows_added = add_blocking_calls({
    blocking_row<EventWait>("event_wait"),
    blocking_row<ResultWait>("async_result_wait"),
    blocking_row<ResultGet>("async_result_get"),
    blocking_row<GreenletJoin>("join"),
    blocking_row<JoinFresh>("join_of_a_fresh_one"),
    blocking_row<GreenletGet>("get"),
    blocking_row<GreenletKill>("kill"),
    blocking_row<GreenletKillWithError>("kill_with_error"),
    blocking_row<JoinAll>("join_all"),
    blocking_row<KillAll>("kill_all"),
    blocking_row<WaitAnyEvent>("wait_any_event"),
    blocking_row<WaitAnyResult>("wait_any_result"),
    blocking_row<WaitAnyEnded>("wait_any_ended"),
    blocking_row<WaitForResult>("wait_async_result"),
    blocking_row<WaitForGreenlet>("wait_greenlet"),
    blocking_row<RemoteJoin>("join_of_another_hubs"),
    blocking_row<RemoteGet>("get_of_another_hubs"),
    blocking_row<RemoteKill>("kill_of_another_hubs"),
    blocking_row<Readable>("wait_readable"),
    blocking_row<Writable>("wait_writable"),
});

} // namespace
} // namespace grove::test
