// expect: this actor has no receive\(\) for this message
#include <grove/actors.hpp>

struct Ping {};
struct Nope {};
struct Ponger : grove::Actor {
  void receive(const Ping&) {}
};

void use(grove::ActorRef<Ponger> ref) { ref.tell(Nope{}); }
