// SPDX-License-Identifier: MIT
// Catch-all handlers: what they are given, what their askers get, what they refuse.
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <grove/actors.hpp>
#include <grove/hub/simulation.hpp>

#include "../support/hub_test.hpp"

namespace grove::test {
namespace {

class MessageTest : public HubTest {};

struct Ping {
  int number;
};
struct Note {
  std::string text;
};
struct Load {
  std::unique_ptr<int> what;
};
struct Base {};
struct Derived : Base {};

// Writes down what it is sent; receives Pings itself.
class Logger : public Actor {
public:
  explicit Logger(Log& log) : log_(&log) {}
  int receive(const Ping& ping) { return ping.number; }
  void receive(const Base&) { log_->push_back("a Base"); }
  void receive(Message& message) {
    if (message.is<Load>()) {
      log_->push_back("Load " + std::to_string(*message.take<Load>().what));
      return;
    }
    const Note* note = message.get_if<Note>();
    log_->push_back(message.type_name() + (note != nullptr ? ": " + note->text : "") +
                    (message.asked() ? ", asked" : "") + (message.trace() != 0 ? ", traced" : ""));
  }

private:
  Log* log_;
};

// Refuses everything but Notes.
class Picky : public Actor {
public:
  void receive(Message& message) {
    if (!message.is<Note>())
      message.refuse();
  }
};

static_assert(Receives<Logger, Ping> && Receives<Logger, Note> && Receives<Logger, Derived>);
static_assert(Implements<Logger, Api<int(Ping), void(Note)>>);
static_assert(!Implements<Logger, Api<int(Note)>>, "what a catch-all takes has no reply");

TEST_F(MessageTest, it_takes_whatever_has_no_receive_of_its_own) {
  Log log;
  const auto logger = spawn<Logger>(log);
  EXPECT_EQ(logger.ask(Ping{4}), 4);
  logger.tell(Note{"hello"});
  logger.tell(Load{std::make_unique<int>(7)});
  logger.tell(42);
  logger.tell(Base{});
  logger.tell(Derived{}); // exact types, as ever: this is no Base
  logger.ask(Ping{0});
  EXPECT_EQ(log, (Log{"Note: hello", "Load 7", "int", "a Base", "Derived"}));
  logger.kill();
}

TEST_F(MessageTest, who_asks_hears_that_it_was_handled) {
  Log log;
  const auto logger = spawn<Logger>(log);
  static_assert(std::is_void_v<decltype(logger.ask(Note{}))>);
  logger.ask(Note{"a"});
  EXPECT_TRUE(logger.try_ask(Note{"b"}).has_value());
  logger.ask_async(Note{"c"}).get();
  const ActorRef<Api<void(Note)>> any = logger;
  any.ask(Note{"d"});
  EXPECT_EQ(log, (Log{"Note: a, asked", "Note: b, asked", "Note: c, asked", "Note: d, asked"}));
  logger.kill();
}

TEST_F(MessageTest, it_sees_the_trace_and_every_way_to_be_told) {
  const Simulation simulation(1);
  Log log;
  const auto logger = spawn<Logger>(log);
  {
    const TraceScope scope(7);
    logger.tell(Note{"a"});
  }
  logger.tell(Note{"b"}, urgent);
  auto timer = logger.tell_after(1s, Note{"c"});
  sleep(2s);
  EXPECT_EQ(log, (Log{"Note: b", "Note: a, traced", "Note: c"}));
  logger.kill();
}

// A forwarded message that was told is not asked.
TEST_F(MessageTest, it_knows_whether_somebody_waits_behind_a_forward) {
  class Front : public Actor {
  public:
    explicit Front(const ActorRef<Logger>& to) : to_(to) {}
    Forward<void> receive(const Note& note) { return forward(to_, note); }

  private:
    ActorRef<Logger> to_;
  };
  Log log;
  const auto logger = spawn<Logger>(log);
  const auto front = spawn<Front>(logger);
  front.tell(Note{"told"});
  front.ask(Note{"asked"});
  EXPECT_EQ(log, (Log{"Note: told", "Note: asked, asked"}));
  front.kill();
  logger.kill();
}

// actors 13
TEST_F(MessageTest, what_is_refused_is_an_error_of_the_asker_alone) {
  const ErrorLog errors;
  const auto picky = spawn<Picky>();
  picky.tell(Ping{1});
  EXPECT_THROW(picky.ask(Ping{1}), UnexpectedMessage);
  const std::string text = text_of<Rejected>([&] { picky.ask(Ping{1}); });
  EXPECT_TRUE(text.starts_with("Picky-") && text.ends_with(" does not take Ping")) << text;
  EXPECT_EQ(picky.try_ask(Ping{1}).error(), AskError::rejected);
  EXPECT_THROW(picky.ask_async(Load{}).get(), UnexpectedMessage);
  picky.ask(Note{"lives on"});
  EXPECT_EQ(errors.size(), 0u);
  picky.kill();
}

TEST_F(MessageTest, taking_what_is_not_there_is_a_mistake) {
  class Taker : public Actor {
  public:
    explicit Taker(Log& log) : log_(&log) {}
    void receive(Message& message) {
      log_->push_back(text_of<std::logic_error>([&] { message.take<Note>(); }));
      EXPECT_EQ(message.get_if<Note>(), nullptr);
      EXPECT_EQ(message.take<Ping>().number, 3);
      log_->push_back(text_of<std::logic_error>([&] { message.take<Ping>(); }));
    }

  private:
    Log* log_;
  };
  Log log;
  const auto taker = spawn<Taker>(log);
  taker.ask(Ping{3});
  EXPECT_EQ(log, (Log{"grove: Message.take<Note>: it is a Ping",
                      "grove: Message.take<Ping>: it was taken before"}));
  taker.kill();
}

TEST_F(MessageTest, an_error_or_a_kill_in_it_ends_the_actor_and_answers) {
  class Fragile : public Actor {
  public:
    void receive(Message& message) {
      if (message.is<Note>())
        throw TestError(5);
      sleep(3600s);
    }
  };
  const Simulation simulation(1);
  const ErrorLog errors;
  const auto first = spawn<Fragile>();
  EXPECT_THROW(first.ask(Note{}), TestError);
  EXPECT_TRUE(first.join());
  EXPECT_EQ(errors.size(), 1u);

  const auto second = spawn<Fragile>();
  const auto answer = second.ask_async(Ping{1});
  settle();
  second.kill();
  EXPECT_THROW(answer.get(), ActorDown);
}

class Patient : public Actor {
public:
  static constexpr std::size_t stash_capacity = 3;
  void receive(const Ping&) { unstash_all(); }
  void receive(Message&) { defer(); }
};

// It cannot know that the message is still whole.
TEST_F(MessageTest, it_cannot_defer) {
  const ErrorLog errors;
  const auto patient = spawn<Patient>();
  const std::string text = text_of<std::logic_error>([&] { patient.ask(Note{}); });
  EXPECT_NE(text.find("has taken its message"), std::string::npos) << text;
  EXPECT_TRUE(patient.join());
}

} // namespace
} // namespace grove::test
