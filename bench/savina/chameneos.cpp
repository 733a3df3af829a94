// SPDX-License-Identifier: MIT
// Savina 6, Chameneos: 100 creatures meet in a mall, two at a time, 200,000 times, and change their
// colours.
#include <cstdint>
#include <optional>

#include <grove/actors/actor.hpp>
#include <grove/actors/spawn.hpp>

#include "savina/program.hpp"

namespace {

constexpr std::int64_t creatures = 100;
constexpr std::int64_t meetings = 200'000;

enum class Colour { red, yellow, blue, faded };

// Two of the same stay so; of two that differ, each becomes the third one.
Colour complement(Colour mine, Colour other) {
  if (mine == Colour::faded || other == Colour::faded)
    return Colour::faded;
  return mine == other ? mine
                       : static_cast<Colour>(3 - static_cast<int>(mine) - static_cast<int>(other));
}

class Creature;
struct Meet {
  Colour colour;
  grove::ActorRef<Creature> from;
};
struct Change {
  Colour colour;
};
struct Fade {};
struct Met {
  std::int64_t times;
};

class Mall : public grove::Actor {
public:
  explicit Mall(std::int64_t* met) : met_(met) {}
  void on_start() override;
  void receive(const Meet& meet);
  void receive(const Met& met) {
    *met_ += met.times;
    if (++faded_ == creatures)
      stop();
  }

private:
  std::int64_t* met_;
  std::int64_t left_ = meetings;
  std::int64_t faded_ = 0;
  std::optional<grove::ActorRef<Creature>> waiting_;
};

class Creature : public grove::Actor {
public:
  Creature(grove::ActorRef<Mall> mall, Colour colour) : mall_(mall), colour_(colour) {}

  void on_start() override { go_to_mall(); }
  void receive(const Meet& other) {
    colour_ = complement(colour_, other.colour);
    ++met_;
    other.from.tell(Change{colour_});
    go_to_mall();
  }
  void receive(const Change& change) {
    colour_ = change.colour;
    ++met_;
    go_to_mall();
  }
  void receive(const Fade&) {
    colour_ = Colour::faded;
    mall_.tell(Met{met_});
    stop();
  }

private:
  void go_to_mall() { mall_.tell(Meet{colour_, self(*this)}); }

  grove::ActorRef<Mall> mall_;
  Colour colour_;
  std::int64_t met_ = 0;
};

void Mall::on_start() {
  for (std::int64_t i = 0; i < creatures; ++i)
    grove::spawn<Creature>(self(*this), static_cast<Colour>(i % 3));
}
void Mall::receive(const Meet& meet) {
  if (left_ == 0) {
    meet.from.tell(Fade{});
  } else if (!waiting_) {
    waiting_ = meet.from;
  } else {
    --left_;
    waiting_->tell(meet);
    waiting_.reset();
  }
}

auto chameneos() {
  std::int64_t met = 0;
  grove::spawn<Mall>(&met).join();
  return [met] { savina::expect_equal("meetings, counted by both", met, 2 * meetings); };
}

SAVINA_PROGRAM("chameneos", chameneos);

} // namespace
