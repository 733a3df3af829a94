// expect: this actor has no receive\(\) for this message
#include <grove/actors.hpp>

struct Ping {};
struct Writer : grove::Actor {
  void receive(Ping&) {} // a message is given away: take it by const reference, value or move
};

void use(grove::ActorRef<Writer> ref) { ref.tell(Ping{}); }
