// expect: this actor class has no receive\(\) for a message that the Api lists
#include <grove/actors.hpp>

struct Ping {};
struct Pong {};
struct Note {};
struct Ponger : grove::Actor {
  Pong receive(const Ping&) { return {}; }
};

grove::ActorRef<grove::Api<Pong(Ping), void(Note)>> use(grove::ActorRef<Ponger> ref) { return ref; }
