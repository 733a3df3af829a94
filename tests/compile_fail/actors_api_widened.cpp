// expect: an Api can be narrowed, not widened
#include <grove/actors.hpp>

struct Ping {};
struct Pong {};
struct Note {};
struct Ponger : grove::Actor {
  Pong receive(const Ping&) { return {}; }
};

grove::ActorRef<grove::Api<Pong(Ping), void(Note)>>
use(grove::ActorRef<grove::Api<Pong(Ping)>> ref) {
  return ref;
}
