// expect: for exactly this type of message, only one that it converts to
#include <grove/actors.hpp>

struct Event {};
struct Click : Event {};
struct Ui : grove::Actor {
  void receive(const Event&) {} // a Click would be sliced
};

void use(grove::ActorRef<Ui> ref) { ref.tell(Click{}); }
