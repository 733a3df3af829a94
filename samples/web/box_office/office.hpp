// SPDX-License-Identifier: MIT
// Office: the supervisor of the shows.
#pragma once

#include <map>
#include <optional>

#include <grove/actors.hpp>

#include "show.hpp"

namespace box_office {

struct Find { // the actor of a show, if it has been opened
  Id show;
};
struct Open { // the same; it is made if there is none yet
  Id show;
};

// A show that fails is started again: at once, and when it fails again and again after a pause, in
// which its mail waits.
class Office : public grove::Supervisor {
public:
  explicit Office(Database* database);

  using Supervisor::receive;
  std::optional<grove::ActorRef<Show>> receive(const Find& find);
  grove::ActorRef<Show> receive(const Open& open);

private:
  Database* database_;
  std::map<Id, grove::ActorRef<Show>>
      shows_; // good for ever: a new actor takes the place of the old
};

} // namespace box_office
