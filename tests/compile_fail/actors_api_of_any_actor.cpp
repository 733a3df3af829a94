// expect: an ActorRef<Actor> does not know what its actor receives: api_cast<Api<...>>\(\) finds
// out
#include <grove/actors.hpp>

struct Ping {};

grove::ActorRef<grove::Api<void(Ping)>> use(grove::ActorRef<grove::Actor> ref) { return ref; }
