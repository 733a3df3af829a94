// SPDX-License-Identifier: MIT
// Chat rooms: each is a topic. Users are actors, who join, talk, leave, quit, and are thrown out.
//
// A room has no object of its own: whoever says grove::Topic<Said>("trees") has it. Its host is an
// actor, too. It is a subscriber, and so hears of everybody who comes and goes, however they go,
// and a member, and so hears what is said. Who shouts is killed by the host: topics notice by
// themselves.
//
// What happens is read from a file or from standard input, one line for each step.
#include <fmt/core.h>

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <fstream>
#include <iostream>
#include <map>
#include <sstream>
#include <stdexcept>
#include <string>
#include <unordered_map>
#include <vector>

#include <grove/actors.hpp>

#include "options.hpp"

namespace {

class User;

struct Said {
  std::string room;
  grove::ActorRef<User> by;
  std::string name;
  std::string text;
};
using Room = grove::Topic<Said>;

struct Join {
  std::string room;
};
struct Leave {
  std::string room;
};
struct Say {
  std::string room;
  std::string text;
};
struct Settle {}; // is answered when all that came before has been handled

class User : public grove::Actor {
public:
  explicit User(std::string name) : name_(std::move(name)) {}

  bool receive(const Join& message) { return Room(message.room).join(self(*this)); }
  bool receive(const Leave& message) { return Room(message.room).leave(self(*this)); }
  std::size_t receive(const Say& message) {
    return Room(message.room).publish({message.room, self(*this), name_, message.text});
  }
  void receive(const Said& said) {
    if (said.by != self(*this))
      fmt::print("  {} reads in {}: {}: {}\n", name_, said.room, said.name, said.text);
  }
  void receive(const Settle&) {}

private:
  std::string name_;
};

using Names = std::unordered_map<grove::ActorRef<grove::Actor>, std::string>;

class Host : public grove::Actor {
public:
  Host(const std::string& room, const Names* names) : room_(room), names_(names) {}

  void on_start() override {
    room_.subscribe(self(*this));
    room_.join(self(*this));
  }
  void receive(const grove::MemberJoined& event) { tell_of(event.member, "joins", ++present_); }
  void receive(const grove::MemberLeft& event) { tell_of(event.member, "leaves", --present_); }
  void receive(const Said& said) {
    if (!is_shouting(said.text))
      return;
    fmt::print("{}: {} is thrown out for shouting\n", room_.name(), said.name);
    said.by.kill(); // and leaves all rooms
  }
  void receive(const Settle&) {}

private:
  static bool is_shouting(const std::string& text) {
    const auto is_lower = [](unsigned char c) { return std::islower(c) != 0; };
    const auto is_upper = [](unsigned char c) { return std::isupper(c) != 0; };
    return std::none_of(text.begin(), text.end(), is_lower) &&
           std::any_of(text.begin(), text.end(), is_upper);
  }
  void tell_of(const grove::ActorRef<grove::Actor>& member, const char* what, int present) {
    if (const auto name = names_->find(member); name != names_->end()) // else the host
      fmt::print("{}: {} {}, {} here\n", room_.name(), name->second, what, present - 1);
  }

  Room room_;
  const Names* names_;
  int present_ = 0;
};

class Chat {
public:
  // "ann joins trees", "ann says trees how are you?", "ann leaves trees", "ann quits"
  void step(const std::string& line) {
    std::istringstream words(line);
    std::string name, what, room, text;
    words >> name >> what >> room;
    std::getline(words >> std::ws, text);
    if (name.empty() || name.front() == '#')
      return;
    const bool quits = what == "quits";
    if (quits != room.empty() || (what == "says") == text.empty())
      throw std::invalid_argument("'" + line + "'");
    const auto user = user_of(name);
    if (!quits && !hosts_.contains(room))
      hosts_.emplace(room, grove::spawn<Host>(room, &names_));
    if (what == "joins")
      check(user.ask(Join{room}), name + " is in " + room + " already");
    else if (what == "leaves")
      check(user.ask(Leave{room}), name + " is not in " + room);
    else if (what == "says")
      user.ask(Say{room, text});
    else if (quits)
      user.stop();
    else
      throw std::invalid_argument("'" + line + "'");
    settle();
  }

private:
  static void check(bool done, const std::string& why_not) {
    if (!done)
      fmt::print("({})\n", why_not);
  }
  // Comes to life when he is first heard of, and again after he has gone.
  grove::ActorRef<User> user_of(const std::string& name) {
    if (const auto known = grove::find_actor<User>(name))
      return *known;
    const auto user = grove::spawn<User>(name);
    grove::register_actor(name, user);
    users_.push_back(user);
    names_.emplace(user, name);
    return user;
  }
  // Waits until nobody has anything to do: what a step brings about is over when the next begins.
  void settle() {
    for (int round = 0; round < 2; ++round) { // a host may throw somebody out, and hear of it
      for (const auto& user : users_)
        (void)user.try_ask(Settle{});
      for (const auto& [room, host] : hosts_)
        host.ask(Settle{});
    }
  }

  Names names_;
  std::vector<grove::ActorRef<User>> users_;
  std::map<std::string, grove::ActorRef<Host>> hosts_;
};

int run(int argc, char** argv) {
  CLI::App app{
      "Chat rooms. Lines are: NAME joins ROOM, NAME says ROOM TEXT, NAME leaves ROOM, NAME "
      "quits. Who says something in capitals is thrown out."};
  std::string script;
  app.add_option("FILE", script, "where the lines are; else from standard input")
      ->check(CLI::ExistingFile);
  if (const auto status = sample::parse(app, argc, argv))
    return *status;

  std::ifstream file;
  if (!script.empty())
    file.open(script);
  std::istream& lines = script.empty() ? std::cin : file;
  Chat chat;
  int number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    try {
      chat.step(line);
    } catch (const std::invalid_argument& error) {
      fmt::print(stderr, "chat: line {}: {}\n", number, error.what());
      return 1;
    }
  }
  return 0;
}

} // namespace

int main(int argc, char** argv) { return grove::main(argc, argv, run); }
