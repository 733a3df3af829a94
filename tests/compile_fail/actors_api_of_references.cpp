// expect: an Api lists signatures of plain types
#include <grove/actors.hpp>

struct Ping {};
struct Pong {};
struct Note {};
struct Ponger : grove::Actor {
  Pong receive(const Ping&) { return {}; }
};

void use(grove::ActorRef<grove::Api<Pong(const Ping&)>> ref) { ref.stop(); }
