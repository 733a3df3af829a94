// expect: a reply is a value: receive\(\) must not return a reference
#include <grove/actors.hpp>

struct Get {};
struct Leaky : grove::Actor {
  const int& receive(const Get&) { return state; }
  int state = 0;
};

int use(grove::ActorRef<Leaky> ref) { return ref.ask(Get{}); }
