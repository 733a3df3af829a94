// expect: is it public\?
#include <grove/actors.hpp>

struct Ping {};
class Shy : public grove::Actor {
  void receive(const Ping&) {}
};

void use(grove::ActorRef<Shy> ref) { ref.tell(Ping{}); }
