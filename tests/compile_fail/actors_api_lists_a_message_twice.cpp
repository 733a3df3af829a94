// expect: an Api lists each message once
#include <grove/actors.hpp>

struct Ping {};
struct Pong {};
struct Note {};
struct Ponger : grove::Actor {
  Pong receive(const Ping&) { return {}; }
};

void use(grove::ActorRef<grove::Api<Pong(Ping), int(Ping)>> ref) { ref.tell(Ping{}); }
