// expect: messages are aligned to 16 bytes: hold it by a pointer
#include <grove/actors.hpp>

struct alignas(64) Line {
  char bytes[64];
};
struct Taker : grove::Actor {
  void receive(const Line&) {}
};

void use(grove::ActorRef<Taker> ref) { ref.tell(Line{}); }
