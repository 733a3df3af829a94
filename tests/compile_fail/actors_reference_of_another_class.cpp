// expect: no (viable )?(conversion|known conversion|matching function)|could not convert
#include <grove/actors.hpp>

struct Ping {};
struct Ponger : grove::Actor {
  void receive(const Ping&) {}
};
struct Other : grove::Actor {
  void receive(const Ping&) {}
};

grove::ActorRef<Ponger> use(grove::ActorRef<Other> ref) { return ref; }
