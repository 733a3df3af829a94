// expect: for exactly this type of message, only one that it converts to
#include <grove/actors.hpp>

struct Ping {};
struct NearlyPing {
  operator Ping() const { return {}; }
};
struct Ponger : grove::Actor {
  void receive(const Ping&) {}
};

void use(grove::ActorRef<Ponger> ref) { ref.tell(NearlyPing{}); }
