// SPDX-License-Identifier: MIT
// References as values: printed, compared, hashed.
#include <sstream>
#include <string>
#include <thread>
#include <unordered_map>

#include <grove/actors.hpp>
#include <grove/hub/hub_thread.hpp>

#include "../support/hub_test.hpp"

namespace grove::test {
namespace {

class ActorRefTest : public HubTest {};

struct Ping {};
class Ponger : public Actor {
public:
  void receive(const Ping&) {}
};
using PingApi = Api<void(Ping)>;

template <class A>
std::string printed(const ActorRef<A>& ref) {
  std::ostringstream out;
  out << ref;
  EXPECT_EQ(out.str(), to_string(ref));
  return out.str();
}

TEST_F(ActorRefTest, it_is_printed_as_its_actor_is_called) {
  const auto one = spawn<Ponger>();
  const auto two = spawn<Ponger>();
  EXPECT_TRUE(printed(one).starts_with("Ponger-")) << printed(one);
  EXPECT_NE(printed(one), printed(two));
  EXPECT_EQ(printed(ActorRef<Actor>(one)), printed(one));
  EXPECT_EQ(printed(ActorRef<PingApi>(one)), printed(one));
  one.kill();
  two.kill();
}

TEST_F(ActorRefTest, one_of_nobody_or_of_an_ended_actor_says_so) {
  EXPECT_EQ(printed(ActorRef<Ponger>()), "nobody");
  EXPECT_EQ(printed(ActorRef<Actor>()), "nobody");
  EXPECT_EQ(printed(ActorRef<PingApi>()), "nobody");
  const auto ponger = spawn<Ponger>();
  ponger.kill();
  const auto next = spawn<Ponger>(); // in the same slot
  EXPECT_EQ(printed(ponger), "Ponger (has ended)");
  EXPECT_EQ(printed(ActorRef<Actor>(ponger)), "actor (has ended)");
  next.kill();
}

TEST_F(ActorRefTest, elsewhere_it_says_where_the_actor_is) {
  HubThread other;
  const auto there = other.call([] { return spawn<Ponger>(); });
  const std::string hub = " of hub " + std::to_string(other.hub().index());
  const std::string here = printed(there);
  EXPECT_TRUE(here.starts_with("Ponger at 0x")) << here;
  EXPECT_TRUE(here.ends_with(hub)) << here;
  EXPECT_TRUE(printed(ActorRef<Actor>(there)).starts_with("actor at 0x"));
  std::string on_thread;
  std::thread([&] { on_thread = printed(there); }).join();
  EXPECT_EQ(on_thread, here);
  EXPECT_TRUE(other.call([&] { return printed(there); }).starts_with("Ponger-"));
  there.kill();
}

TEST_F(ActorRefTest, it_is_a_key) {
  const auto one = spawn<Ponger>();
  const auto two = spawn<Ponger>();
  std::unordered_map<ActorRef<Ponger>, int> scores;
  ++scores[one];
  ++scores[two];
  ++scores[one];
  EXPECT_EQ(scores.size(), 2u);
  EXPECT_EQ(scores[one], 2);
  one.kill();
  const auto three = spawn<Ponger>(); // in the slot of `one`, and another actor
  EXPECT_FALSE(scores.contains(three));
  three.kill();
  two.kill();
}

} // namespace
} // namespace grove::test
