// SPDX-License-Identifier: MIT
// Names of actors, for all hubs of the process.
#include <grove/actors/registry.hpp>

#include <unistd.h>

#include <algorithm>
#include <functional>
#include <map>
#include <mutex>
#include <stdexcept>
#include <vector>

#include <grove/hub/async_result.hpp>
#include <grove/hub/detail/report.hpp>

#include "relations.hpp"

namespace grove {

namespace detail {

namespace {

struct Entry {
  IdentityRef actor;
  const ActorClass* type;
};

struct Waiting {
  std::uint64_t ticket;
  AsyncResult<Entry> come;
};

struct Names {
  std::mutex mutex;
  std::map<std::string, Entry, std::less<>> entries;
  std::multimap<std::string, Waiting, std::less<>> waiting;
  std::uint64_t tickets = 0;
  int process = getpid();
};

// A child of fork() has none of its parent's actors.
Names& names() {
  static auto* the = new Names; // actors may end after the statics
  if (the->process != getpid())
    the = new Names;
  return *the;
}

std::string quoted(std::string_view name) { return "'" + std::string(name) + "'"; }

void check_class(std::string_view name, const Entry& entry, const ActorClass* wanted) {
  if (wanted != nullptr && wanted != entry.type)
    throw std::logic_error("grove: find_actor: " + quoted(name) + " is a " + entry.type->name +
                           ", not a " + wanted->name);
}

// On the actor's hub. Null, or what is wrong.
std::exception_ptr add(const std::string& name, const Entry& entry) {
  const auto wrong = [](const std::string& what) {
    return std::make_exception_ptr(std::logic_error("grove: register_actor: " + what));
  };
  if (!entry.actor.alive())
    return std::make_exception_ptr(
        ActorDown("register_actor: the actor to be called " + quoted(name) + " has ended"));
  std::string& mine = need_extras(entry.actor.identity).registered_name;
  if (mine == name)
    return nullptr; // again, by one that was started again
  if (!mine.empty())
    return wrong("the actor is called " + quoted(mine) + " already");
  std::vector<AsyncResult<Entry>> waiting;
  {
    Names& all = names();
    const std::lock_guard lock(all.mutex);
    if (!all.entries.try_emplace(name, entry).second)
      return wrong("the name " + quoted(name) + " is taken");
    const auto [first, last] = all.waiting.equal_range(name);
    for (auto one = first; one != last; ++one)
      waiting.push_back(one->second.come);
    all.waiting.erase(first, last);
  }
  mine = name;
  for (const AsyncResult<Entry>& one : waiting)
    one.set(entry);
  return nullptr;
}

} // namespace

void register_actor(std::string_view name, IdentityRef actor, const ActorClass* type) {
  if (name.empty())
    throw std::invalid_argument("grove: register_actor: an empty name");
  const Entry entry{actor, type};
  std::string text(name);
  std::exception_ptr error;
  if (actor.identity == &nobody || is_here(actor)) {
    error = add(text, entry);
  } else {
    const AsyncResult<std::exception_ptr> done;
    if (!on_home_of(actor.identity, [text, entry, done] { done.set(add(text, entry)); }))
      throw ActorDown("register_actor: the actor to be called " + quoted(name) + " has ended");
    error = done.get();
  }
  if (error != nullptr)
    std::rethrow_exception(error);
}

std::optional<IdentityRef> find_actor(std::string_view name, const ActorClass* type) {
  Names& all = names();
  const std::lock_guard lock(all.mutex);
  const auto found = all.entries.find(name);
  if (found == all.entries.end())
    return std::nullopt;
  check_class(name, found->second, type);
  return found->second.actor;
}

IdentityRef await_actor(std::string_view name, const ActorClass* type, Deadline deadline) {
  check_interrupts();
  const AsyncResult<Entry> come;
  std::uint64_t ticket = 0;
  Names& all = names();
  {
    const std::lock_guard lock(all.mutex);
    const auto found = all.entries.find(name);
    if (found != all.entries.end()) {
      check_class(name, found->second, type);
      return found->second.actor;
    }
    ticket = ++all.tickets;
    all.waiting.emplace(std::string(name), Waiting{ticket, come});
  }
  // However this ends, nobody waits here any more.
  struct Leave {
    Names& all;
    std::string_view name;
    std::uint64_t ticket;
    ~Leave() {
      const std::lock_guard lock(all.mutex);
      const auto [first, last] = all.waiting.equal_range(name);
      const auto mine =
          std::find_if(first, last, [&](const auto& one) { return one.second.ticket == ticket; });
      if (mine != last)
        all.waiting.erase(mine);
    }
  } const leave{all, name, ticket};
  if (!come.wait(deadline))
    throw TimeoutError("await_actor: nobody is called " + quoted(name) + " in time");
  const Entry entry = come.get();
  check_class(name, entry, type);
  return entry.actor;
}

void forget_name(const std::string& name, const IdentityRef& actor) noexcept {
  Names& all = names();
  const std::lock_guard lock(all.mutex);
  const auto found = all.entries.find(name);
  if (found != all.entries.end() && same(found->second.actor, actor))
    all.entries.erase(found);
}

} // namespace detail

bool unregister_actor(std::string_view name) {
  using namespace detail;
  IdentityRef actor;
  {
    Names& all = names();
    const std::lock_guard lock(all.mutex);
    const auto found = all.entries.find(name);
    if (found == all.entries.end())
      return false;
    actor = found->second.actor;
    all.entries.erase(found);
  }
  const auto clear = [actor, text = std::string(name)] {
    ActorExtras* extras = actor.alive() ? extras_of_actor(actor.identity) : nullptr;
    if (extras != nullptr && extras->registered_name == text)
      extras->registered_name.clear();
  };
  if (is_here(actor))
    clear();
  else
    on_home_of(actor.identity, clear);
  return true;
}

} // namespace grove
