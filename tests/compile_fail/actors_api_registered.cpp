// expect: an actor is registered by its class, not by an Api
#include <grove/actors.hpp>

struct Ping {};
struct Pong {};
struct Note {};
struct Ponger : grove::Actor {
  Pong receive(const Ping&) { return {}; }
};

void use(grove::ActorRef<grove::Api<Pong(Ping)>> ref) { grove::register_actor("pong", ref); }
