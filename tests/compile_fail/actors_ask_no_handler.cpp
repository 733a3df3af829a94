// expect: this actor has no receive\(\) for this message
#include <grove/actors.hpp>

struct Ping {};
struct Nope {};
struct Ponger : grove::Actor {
  int receive(const Ping&) { return 1; }
};

int use(grove::ActorRef<Ponger> ref) { return ref.ask(Nope{}); }
