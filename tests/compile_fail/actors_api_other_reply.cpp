// expect: replies to a message with another type than the Api lists
#include <grove/actors.hpp>

struct Ping {};
struct Pong {};
struct Note {};
struct Ponger : grove::Actor {
  Pong receive(const Ping&) { return {}; }
};

grove::ActorRef<grove::Api<int(Ping)>> use(grove::ActorRef<Ponger> ref) { return ref; }
