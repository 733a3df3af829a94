// SPDX-License-Identifier: MIT
// Names of actors: unique, gone with the actor, waited for, for all hubs.
#include <stdexcept>
#include <string>
#include <thread>

#include <grove/actors.hpp>

#include "../support/hub_test.hpp"
#include "relatives.hpp"
#include "worker.hpp"

namespace grove::test {
namespace {

class RegistryTest : public SupervisedTest {
protected:
  ActorRef<Relative> make(const std::string& name) { return spawn<Relative>(log_, name); }
  template <class E, class F>
  static std::string text_of(F f) {
    try {
      f();
    } catch (const E& error) {
      return error.what();
    }
    return "nothing was thrown";
  }
};

// actors 114
TEST_F(RegistryTest, a_name_is_for_one_and_one_has_one_name) {
  auto a = make("a");
  auto b = make("b");
  register_actor("the one", a);
  EXPECT_EQ(find_actor<Relative>("the one"), a);
  EXPECT_EQ(find_actor<Actor>("the one"), ActorRef<Actor>(a));
  EXPECT_EQ(find_actor<Actor>("another"), std::nullopt);
  EXPECT_EQ(text_of<std::logic_error>([&] { register_actor("the one", b); }),
            "grove: register_actor: the name 'the one' is taken");
  EXPECT_EQ(text_of<std::logic_error>([&] { register_actor("another", a); }),
            "grove: register_actor: the actor is called 'the one' already");
  EXPECT_EQ(text_of<std::invalid_argument>([&] { register_actor("", b); }),
            "grove: register_actor: an empty name");
  a.kill();
  EXPECT_EQ(text_of<ActorDown>([&] { register_actor("another", a); }),
            "register_actor: the actor to be called 'another' has ended");
  EXPECT_THROW(register_actor("nobody", ActorRef<Relative>()), ActorDown);
  register_actor("the one", b);
  b.kill();
}

// actors 115
TEST_F(RegistryTest, a_name_goes_with_its_actor) {
  auto a = make("a");
  register_actor("a", a);
  a.stop();
  a.join();
  EXPECT_EQ(find_actor<Relative>("a"), std::nullopt);
}

// actors 76, 123
TEST_F(RegistryTest, it_is_gone_when_the_down_is_heard) {
  auto a = make("a");
  auto watcher = make("watcher");
  register_actor("a", a);
  watcher.ask(Watch{a});
  bool found = true;
  auto down = when_down(a);
  a.tell(Do{[](Relative& me) { me.stop(); }});
  (void)down.get();
  found = find_actor<Actor>("a").has_value();
  EXPECT_FALSE(found);
  watcher.kill();
}

TEST_F(RegistryTest, it_can_be_taken_back_and_given_anew) {
  auto a = make("a");
  register_actor("first", a);
  EXPECT_TRUE(unregister_actor("first"));
  EXPECT_FALSE(unregister_actor("first"));
  register_actor("second", a);
  EXPECT_EQ(find_actor<Relative>("second"), a);
  a.kill();
  EXPECT_FALSE(unregister_actor("second"));
}

TEST_F(RegistryTest, the_class_is_checked) {
  auto a = make("a");
  register_actor("a", a);
  EXPECT_EQ(text_of<std::logic_error>([] { (void)find_actor<Worker>("a"); }),
            "grove: find_actor: 'a' is a Relative, not a Worker");
  EXPECT_THROW(await_actor<Worker>("a"), std::logic_error);
  a.kill();
}

// actors 121
TEST_F(RegistryTest, one_may_wait_for_a_name) {
  auto early = spawn([] { return await_actor<Relative>("a"); });
  auto killed = spawn([] { return await_actor<Relative>("a"); });
  EXPECT_THROW(await_actor<Relative>("a", 1ms), TimeoutError);
  killed.kill();
  auto a = make("a");
  register_actor("a", a);
  EXPECT_EQ(early.get(), a);
  EXPECT_EQ(await_actor<Relative>("a"), a);
  a.kill();
}

// actors 98, 99
TEST_F(RegistryTest, a_name_outlives_a_restart_and_not_a_failed_start) {
  struct Named : Worker {
    Named(World* world, const std::string& name) : Worker(world, name), own(name) {}
    void on_start() override {
      const auto me = self(*this);
      if (!find_actor<Actor>(own))
        register_actor(own, me);
      Worker::on_start();
    }
    std::string own;
  };
  auto root = supervise({}, {});
  fails_to_start_["named"] = 1;
  EXPECT_THROW(add_child<Named>(root, {}, &world_, std::string("named")), std::runtime_error);
  EXPECT_EQ(find_actor<Named>("named"), std::nullopt);
  auto child = add_child<Named>(root, {}, &world_, std::string("named"));
  child.tell(Fail{"oops"});
  settle();
  EXPECT_EQ(find_actor<Named>("named"), child);
  EXPECT_EQ(child.ask(Ask{1}), 1);
  root.kill();
  EXPECT_EQ(find_actor<Named>("named"), std::nullopt);
}

TEST_F(RegistryTest, is_one_for_all_hubs_and_threads) {
  HubThread elsewhere;
  auto waits = spawn([] { return await_actor<Relative>("far"); });
  yield();
  Log far_log; // its hub's
  auto far = elsewhere.call([&] { return spawn<Relative>(far_log, "far"); });
  register_actor("far", far);
  EXPECT_EQ(waits.get(), far);
  EXPECT_THROW(register_actor("far too", far), std::logic_error);
  EXPECT_EQ(elsewhere.call([] { return find_actor<Relative>("far"); }), far);
  std::thread([&] { EXPECT_EQ(find_actor<Relative>("far"), far); }).join();
  EXPECT_TRUE(unregister_actor("far"));
  register_actor("again", far);
  far.kill();
  EXPECT_EQ(find_actor<Relative>("again"), std::nullopt);
  EXPECT_THROW(register_actor("too late", far), ActorDown);
}

} // namespace
} // namespace grove::test
