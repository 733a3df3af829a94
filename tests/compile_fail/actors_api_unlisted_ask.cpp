// expect: this Api does not list this message: send exactly a type that it lists
#include <grove/actors.hpp>

struct Ping {};
struct Pong {};
struct Note {};
struct Ponger : grove::Actor {
  Pong receive(const Ping&) { return {}; }
};

void use(grove::ActorRef<grove::Api<Pong(Ping)>> ref) { ref.ask(Note{}); }
