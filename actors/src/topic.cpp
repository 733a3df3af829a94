// SPDX-License-Identifier: MIT
// Topics: who is in them, for all hubs of the process.
#include <grove/actors/topic.hpp>

#include <unistd.h>

#include <algorithm>
#include <map>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <unordered_map>
#include <utility>

#include "membership.hpp"

namespace grove::detail {

namespace {

// The members in the order in which they joined. Who goes leaves a hole, until there are many: both
// ways take the same time however many there are. Whoever looks at them may keep what it sees while
// they change. Under its topic's mutex.
class Members {
public:
  using All = std::vector<TopicMember>;

  bool add(const TopicMember& member) {
    own();
    if (!places_.try_emplace(member.actor, all_->size()).second)
      return false;
    try {
      all_->push_back(member);
    } catch (...) {
      places_.erase(member.actor);
      throw;
    }
    return true;
  }
  bool remove(const IdentityRef& actor) {
    const auto place = places_.find(actor);
    if (place == places_.end())
      return false;
    own();
    (*all_)[place->second].actor = {};
    places_.erase(place);
    if (all_->size() > 2 * places_.size() + 16)
      close_holes();
    return true;
  }
  bool contains(const IdentityRef& actor) const { return places_.contains(actor); }
  std::size_t size() const { return places_.size(); }
  // With holes. Given back under the mutex, too.
  std::shared_ptr<const All> look() const { return all_; }

private:
  // Somebody looks at them: the change is made to a copy.
  void own() {
    if (all_.use_count() > 1)
      all_ = std::make_shared<All>(*all_);
  }
  void close_holes() {
    std::erase_if(*all_, [](const TopicMember& one) { return one.actor.identity == nullptr; });
    for (std::size_t i = 0; i < all_->size(); ++i)
      places_.find((*all_)[i].actor)->second = i;
  }

  std::shared_ptr<All> all_ = std::make_shared<All>();
  std::unordered_map<IdentityRef, std::size_t, ActorHash, SameActor> places_;
};

struct Listener {
  TopicSubscriber subscriber;
  std::uint64_t id;
};
template <class E>
Mail* event_mail(Handler handler, E event) {
  return make_mail<E>(*this_hub, handler, std::move(event));
}

} // namespace

class TopicState : public Membership {
public:
  TopicState(std::string n, const MessageType* t) : name(std::move(n)), type(t) {}
  ~TopicState() override;
  void actor_ended(const IdentityRef& actor) noexcept override;
  bool object_ended(const IdentityRef& actor) noexcept override;

  void listeners_hear_joined(const IdentityRef& member);
  void listeners_hear_left(const IdentityRef& member) noexcept;
  bool drop_listener(const IdentityRef& actor) noexcept;
  bool concerns(const IdentityRef& actor) noexcept; // a member, or a listener

  const std::string name;
  const MessageType* const type;
  std::mutex mutex; // of what follows
  Members members;
  std::vector<Listener> listeners;
};

// -- the names -----------------------------------------------------------------------------------

namespace {

struct Topics {
  std::mutex mutex;
  std::map<std::string, std::weak_ptr<TopicState>, std::less<>> all;
  int process = getpid();
};

// A child of fork() has none of its parent's actors.
Topics& topics() {
  static auto* the = new Topics; // actors may end after the statics
  if (the->process != getpid())
    the = new Topics;
  return *the;
}

} // namespace

TopicState::~TopicState() {
  Topics& known = topics();
  const std::lock_guard lock(known.mutex);
  const auto mine = known.all.find(name);
  if (mine != known.all.end() && mine->second.expired()) // else there is a new one
    known.all.erase(mine);
}

TopicHandle open_topic(std::string_view name, const MessageType* type) {
  if (name.empty())
    throw std::invalid_argument("grove: Topic: an empty name");
  TopicHandle topic; // let go of after the mutex
  Topics& known = topics();
  {
    const std::lock_guard lock(known.mutex);
    auto& entry = known.all[std::string(name)];
    topic = entry.lock();
    if (topic == nullptr) {
      topic = std::make_shared<TopicState>(std::string(name), type);
      entry = topic;
    }
  }
  if (topic->type != type)
    throw std::logic_error("grove: Topic: '" + topic->name + "' is a topic of " +
                           topic->type->name + ", not of " + type->name);
  return topic;
}

const std::string& name_of(const TopicState& topic) { return topic.name; }

// -- what subscribers hear -----------------------------------------------------------------------

namespace {

// Around what a subscriber is told: nothing is heard once the subscription has ended.
struct Heard {
  std::uint64_t subscription;
  Mail* mail;
};
void handle_heard(Identity* actor, Mail* mail) {
  const Heard heard = *mail_body<Heard>(mail);
  release_mail<sizeof(Heard)>(*this_hub, mail);
  const ActorExtras* extras = actor != nullptr ? extras_of_actor(actor) : nullptr;
  const bool open =
      extras != nullptr && std::find(extras->subscriptions.begin(), extras->subscriptions.end(),
                                     heard.subscription) != extras->subscriptions.end();
  if (open)
    heard.mail->handle(actor, heard.mail);
  else
    drop_mail(heard.mail, Dropped::unsent);
}

void send_heard(const Listener& to, Mail* mail) {
  try {
    mail = make_mail<Heard>(*this_hub, handle_heard, Heard{to.id, mail});
  } catch (...) {
    drop_mail(mail, Dropped::unsent);
    throw;
  }
  send_signal(to.subscriber.actor, mail);
}

} // namespace

// Under the mutex, so that all hear in the order of the changes: sending neither waits nor runs
// anybody.
void TopicState::listeners_hear_joined(const IdentityRef& member) {
  for (const Listener& one : listeners)
    send_heard(one, event_mail(one.subscriber.joined, MemberJoined{name, actor_ref(member)}));
}
void TopicState::listeners_hear_left(const IdentityRef& member) noexcept {
  try {
    for (const Listener& one : listeners)
      send_heard(one, event_mail(one.subscriber.left, MemberLeft{name, actor_ref(member)}));
  } catch (...) { // no memory for it
    report_unhandled(this_hub->current, std::current_exception());
  }
}

bool TopicState::drop_listener(const IdentityRef& actor) noexcept {
  const auto mine = std::find_if(listeners.begin(), listeners.end(), [&](const Listener& one) {
    return same(one.subscriber.actor, actor);
  });
  if (mine == listeners.end())
    return false;
  if (ActorExtras* extras = extras_of_actor(actor.identity))
    std::erase(extras->subscriptions, mine->id);
  listeners.erase(mine);
  return true;
}

bool TopicState::concerns(const IdentityRef& actor) noexcept {
  const std::lock_guard lock(mutex);
  return members.contains(actor) ||
         std::any_of(listeners.begin(), listeners.end(),
                     [&](const Listener& one) { return same(one.subscriber.actor, actor); });
}

// -- coming and going: on the actor's hub --------------------------------------------------------

void TopicState::actor_ended(const IdentityRef& actor) noexcept {
  const std::lock_guard lock(mutex);
  drop_listener(actor);
  if (members.remove(actor))
    listeners_hear_left(actor);
}

bool TopicState::object_ended(const IdentityRef& actor) noexcept {
  const std::lock_guard lock(mutex);
  drop_listener(actor);
  return members.contains(actor);
}

bool join_topic(const TopicHandle& topic, const TopicMember& member) {
  return at_home_of(member.actor, "Topic.join", [topic, member] {
    enter_membership(member.actor, topic);
    const std::lock_guard lock(topic->mutex);
    if (!topic->members.add(member))
      return false;
    topic->listeners_hear_joined(member.actor);
    return true;
  });
}

namespace {
// False as well if the actor has ended.
template <class F>
bool leave_by(const TopicHandle& topic, const IdentityRef& actor, const char* call, F take_out) {
  try {
    return at_home_of(actor, call, [topic, actor, take_out] {
      bool was = false;
      {
        const std::lock_guard lock(topic->mutex);
        was = take_out(*topic, actor);
      }
      if (!topic->concerns(actor))
        leave_membership(actor, *topic);
      return was;
    });
  } catch (const ActorDown&) {
    return false;
  }
}
} // namespace

bool leave_topic(const TopicHandle& topic, const IdentityRef& actor) {
  return leave_by(topic, actor, "Topic.leave", [](TopicState& state, const IdentityRef& who) {
    if (!state.members.remove(who))
      return false;
    state.listeners_hear_left(who);
    return true;
  });
}

void subscribe(const TopicHandle& topic, const TopicSubscriber& subscriber) {
  at_home_of(subscriber.actor, "Topic.subscribe", [topic, subscriber] {
    enter_membership(subscriber.actor, topic);
    const std::lock_guard lock(topic->mutex);
    topic->drop_listener(subscriber.actor);
    const Listener listener{subscriber, ++this_hub->questions};
    extras_of_actor(subscriber.actor.identity)->subscriptions.push_back(listener.id);
    topic->listeners.push_back(listener);
    const std::shared_ptr<const Members::All> present = topic->members.look();
    for (const TopicMember& one : *present) {
      if (one.actor.identity != nullptr)
        send_heard(listener,
                   event_mail(subscriber.joined, MemberJoined{topic->name, actor_ref(one.actor)}));
    }
    return true;
  });
}

bool unsubscribe(const TopicHandle& topic, const IdentityRef& actor) {
  return leave_by(topic, actor, "Topic.unsubscribe", [](TopicState& state, const IdentityRef& who) {
    return state.drop_listener(who);
  });
}

// -- any thread ----------------------------------------------------------------------------------

namespace {
// The members as they are now; who joins or leaves meanwhile changes a copy.
class Look {
public:
  explicit Look(TopicState& topic) : topic_(topic) {
    const std::lock_guard lock(topic_.mutex);
    all_ = topic_.members.look();
  }
  Look(const Look&) = delete;
  Look& operator=(const Look&) = delete;
  ~Look() {
    const std::lock_guard lock(topic_.mutex);
    all_.reset();
  }
  const Members::All& all() const { return *all_; }

private:
  TopicState& topic_;
  std::shared_ptr<const Members::All> all_;
};
} // namespace

std::size_t publish(TopicState& topic, const void* message) {
  const Look look(topic);
  std::size_t count = 0;
  for (const TopicMember& one : look.all()) {
    if (one.actor.identity != nullptr && one.tell(one.actor, one.handler, message))
      ++count;
  }
  return count;
}

std::vector<ActorRef<Actor>> members_of(TopicState& topic) {
  const Look look(topic);
  std::vector<ActorRef<Actor>> all;
  for (const TopicMember& one : look.all()) {
    if (one.actor.identity != nullptr)
      all.push_back(actor_ref(one.actor));
  }
  return all;
}

std::size_t member_count(TopicState& topic) {
  const std::lock_guard lock(topic.mutex);
  return topic.members.size();
}

} // namespace grove::detail
