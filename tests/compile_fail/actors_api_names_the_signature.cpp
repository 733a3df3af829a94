// expect: check_serves.*(S = void ?\(Note\)|<Ponger, void ?\(Note\)>)
#include <grove/actors.hpp>

struct Ping {};
struct Pong {};
struct Note {};
struct Ponger : grove::Actor {
  Pong receive(const Ping&) { return {}; }
};

grove::ActorRef<grove::Api<Pong(Ping), void(Note)>> use(grove::ActorRef<Ponger> ref) { return ref; }
