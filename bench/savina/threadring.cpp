// SPDX-License-Identifier: MIT
// Savina 5, Thread Ring: one message goes 100,000 hops round a ring of 100 actors.
#include <cstddef>
#include <cstdint>
#include <vector>

#include <grove/actors/actor.hpp>
#include <grove/actors/spawn.hpp>
#include <grove/hub/join.hpp>

#include "savina/program.hpp"

namespace {

constexpr std::int64_t actors = 100;
constexpr std::int64_t hops = 100'000;

class Member;
struct Next {
  grove::ActorRef<Member> member;
};
struct Hop {
  std::int64_t left;
};
struct End {
  std::int64_t left;
};

class Member : public grove::Actor {
public:
  explicit Member(std::int64_t* hopped) : hopped_(hopped) {}
  void receive(const Next& next) { next_ = next.member; }
  void receive(const Hop& hop) {
    if (hop.left > 0) {
      ++*hopped_;
      next_.tell(Hop{hop.left - 1});
    } else {
      next_.tell(End{actors - 1});
    }
  }
  void receive(const End& end) {
    if (end.left > 0)
      next_.tell(End{end.left - 1});
    stop();
  }

private:
  grove::ActorRef<Member> next_;
  std::int64_t* hopped_;
};

auto thread_ring() {
  std::int64_t hopped = 0;
  std::vector<grove::ActorRef<Member>> ring;
  for (std::int64_t i = 0; i < actors; ++i)
    ring.push_back(grove::spawn<Member>(&hopped));
  for (std::size_t i = 0; i < ring.size(); ++i)
    ring[i].tell(Next{ring[(i + 1) % ring.size()]});
  ring[0].tell(Hop{hops});
  grove::join_all(ring);
  return [hopped] { savina::expect_equal("hops", hopped, hops); };
}

SAVINA_PROGRAM("threadring", thread_ring);

} // namespace
