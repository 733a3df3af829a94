// expect: no (viable )?(conversion|known conversion|matching function)|could not convert
#include <grove/actors.hpp>

struct Ping {};
struct Pong {};
struct Note {};
struct Ponger : grove::Actor {
  Pong receive(const Ping&) { return {}; }
};

grove::ActorRef<Ponger> use(grove::ActorRef<grove::Api<Pong(Ping)>> ref) { return ref; }
