// SPDX-License-Identifier: MIT
// Savina 12, Sleeping Barber: 5,000 haircuts. The waiting room holds 1,000; who finds it full comes
// again, at once, until there is room.
#include <cstdint>
#include <deque>

#include <grove/actors/actor.hpp>
#include <grove/actors/spawn.hpp>

#include "savina/program.hpp"
#include "savina/work.hpp"

namespace {

constexpr std::int64_t haircuts = 5'000;
constexpr std::size_t seats = 1'000;
constexpr std::int64_t arrival_steps = 1'000; // bounds of what busy_wait() is told
constexpr std::int64_t haircut_steps = 1'000;

class Customer;
class Room;
class Factory;
struct Enter {
  grove::ActorRef<Customer> customer;
};
struct Serve {
  grove::ActorRef<Customer> customer;
  grove::ActorRef<Room> room;
};
struct Full {};
struct Wait {};
struct Start {};
struct Done {};
struct Next {};
struct Returned {
  grove::ActorRef<Customer> customer;
};

class Customer : public grove::Actor {
public:
  explicit Customer(grove::ActorRef<Factory> factory) : factory_(factory) {}
  void receive(const Full&);
  void receive(const Wait&) {}
  void receive(const Start&) {}
  void receive(const Done&);

private:
  grove::ActorRef<Factory> factory_;
};

class Barber : public grove::Actor {
public:
  void receive(const Serve& serve);
  void receive(const Wait&) {} // sleeps

private:
  savina::PseudoRandom chance_;
};

class Room : public grove::Actor {
public:
  explicit Room(grove::ActorRef<Barber> barber) : barber_(barber) {}
  void receive(const Enter& enter) {
    if (waiting_.size() == seats) {
      enter.customer.tell(Full{});
      return;
    }
    waiting_.push_back(enter.customer);
    if (barber_sleeps_) {
      barber_sleeps_ = false;
      self(*this).tell(Next{});
    } else {
      enter.customer.tell(Wait{});
    }
  }
  void receive(const Next&) {
    if (waiting_.empty()) {
      barber_sleeps_ = true;
      barber_.tell(Wait{});
      return;
    }
    barber_.tell(Serve{waiting_.front(), self(*this)});
    waiting_.pop_front();
  }

private:
  grove::ActorRef<Barber> barber_;
  std::deque<grove::ActorRef<Customer>> waiting_;
  bool barber_sleeps_ = true;
};

// Where the customers come from.
class Factory : public grove::Actor {
public:
  Factory(grove::ActorRef<Room> room, std::int64_t* served) : room_(room), served_(served) {}
  void receive(const Start&) {
    for (std::int64_t i = 0; i < haircuts; ++i) {
      room_.tell(Enter{grove::spawn<Customer>(self(*this))});
      savina::busy_wait(chance_.next(arrival_steps) + 10);
    }
  }
  void receive(const Returned& returned) { room_.tell(Enter{returned.customer}); }
  void receive(const Done&) {
    if (++*served_ == haircuts)
      stop();
  }

private:
  grove::ActorRef<Room> room_;
  std::int64_t* served_;
  savina::PseudoRandom chance_;
};

void Customer::receive(const Full&) { factory_.tell(Returned{self(*this)}); }
void Customer::receive(const Done&) {
  factory_.tell(Done{});
  stop();
}
void Barber::receive(const Serve& serve) {
  serve.customer.tell(Start{});
  savina::busy_wait(chance_.next(haircut_steps) + 10);
  serve.customer.tell(Done{});
  serve.room.tell(Next{});
}

auto barber() {
  std::int64_t served = 0;
  const auto barber = grove::spawn<Barber>();
  const auto room = grove::spawn<Room>(barber);
  const auto factory = grove::spawn<Factory>(room, &served);
  factory.tell(Start{});
  factory.join(); // the last customer has ended before
  room.stop();
  room.join();
  barber.stop();
  barber.join();
  return [served] { savina::expect_equal("haircuts", served, haircuts); };
}

SAVINA_PROGRAM("barber", barber);

} // namespace
