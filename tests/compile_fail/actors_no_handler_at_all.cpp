// expect: this actor has no receive\(\) for this message
#include <grove/actors.hpp>

struct Ping {};
struct Mute : grove::Actor {};

void use(grove::ActorRef<Mute> ref) { ref.tell(Ping{}); }
