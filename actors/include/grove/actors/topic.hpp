// SPDX-License-Identifier: MIT
// Topic: a named group of actors, all of whom get what is published.
#pragma once

#include <concepts>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <grove/actors/actor.hpp>
#include <grove/actors/actor_ref.hpp>
#include <grove/actors/detail/message_type.hpp>
#include <grove/actors/detail/tell_many.hpp>

namespace grove {

// What a subscriber hears of a topic.
struct MemberJoined {
  std::string topic;
  ActorRef<Actor> member;
};
struct MemberLeft { // or ended
  std::string topic;
  ActorRef<Actor> member;
};

namespace detail {

struct TopicMember {
  IdentityRef actor;
  Handler handler;
  bool (*tell)(const IdentityRef& actor, Handler handler, const void* message);
};
template <class M>
bool tell_member(const IdentityRef& actor, Handler handler, const void* message) {
  return tell_one_of_many<M>(actor, handler, *static_cast<const M*>(message));
}
struct TopicSubscriber {
  IdentityRef actor;
  Handler joined; // of a MemberJoined
  Handler left;   // of a MemberLeft
};

class TopicState;
using TopicHandle = std::shared_ptr<TopicState>;
TopicHandle open_topic(std::string_view name, const MessageType* type);
const std::string& name_of(const TopicState& topic);
bool join_topic(const TopicHandle& topic, const TopicMember& member);
bool leave_topic(const TopicHandle& topic, const IdentityRef& actor);
std::size_t publish(TopicState& topic, const void* message);
std::vector<ActorRef<Actor>> members_of(TopicState& topic);
std::size_t member_count(TopicState& topic);
void subscribe(const TopicHandle& topic, const TopicSubscriber& subscriber);
bool unsubscribe(const TopicHandle& topic, const IdentityRef& actor);

} // namespace detail

// Topic<M> is a handle to the topic of that name: a group of actors, of any classes and hubs, each
// of which receives what is published, an M. All handles of one name in the process are to the same
// topic, which is there as long as it has a handle, a member or a subscriber. Copied freely; any
// thread, with a hub or without.
//
//   const Topic<Said> lobby("lobby");
//   lobby.join(self(*this));
//   lobby.publish(Said{"hello"});
template <std::copy_constructible M>
class Topic {
public:
  // std::invalid_argument for an empty name, std::logic_error if the topic of that name is one of
  // other messages.
  explicit Topic(std::string_view name)
      : state_(detail::open_topic(name, &detail::message_type<M>)) {}

  const std::string& name() const { return detail::name_of(*state_); }
  friend bool operator==(const Topic&, const Topic&) = default;

  // -- members ---------------------------------------------------------------------------------
  // From here on it gets what is published, until it leaves or ends for good; a restart by its
  // supervisor changes nothing. False if it is a member already: nobody gets anything twice.
  // ActorDown if it has ended. Of an actor of another hub it waits until that hub has heard of it;
  // a kill or a Timeout scope may end this wait on either side of the change.
  template <class A>
  bool join(const ActorRef<A>& actor) const {
    detail::HandlersOf<A>::template check<M>();
    return detail::join_topic(
        state_, {actor.joinable(), actor.handlers().template tell<M>(), detail::tell_member<M>});
  }
  // False if it is no member. Waits as join() does.
  bool leave(const ActorRef<Actor>& actor) const {
    return detail::leave_topic(state_, actor.joinable());
  }
  // In the order in which they joined, as it was a moment ago.
  std::vector<ActorRef<Actor>> members() const { return detail::members_of(*state_); }
  std::size_t size() const { return detail::member_count(*state_); }

  // -- messages --------------------------------------------------------------------------------
  // Tells each member, in the order in which they joined; a copy of the message each, so that no
  // two handlers share an object. Returns to how many; without members the message is dropped.
  // Messages of one publisher arrive in their order. A bounded inbox is treated as by tell(): it
  // may make the publisher wait. A member whose inbox rejects the message, or which waits for the
  // publisher, is passed over, and counted in Hub::Stats::dropped_messages. A kill that comes while
  // it waits leaves those behind without the message.
  std::size_t publish(const M& message) const {
    const auto keep = state_; // this handle may go while we wait
    return detail::publish(*keep, &message);
  }

  // -- who comes and goes ----------------------------------------------------------------------
  // The actor is told a MemberJoined for each present member, and then of every change, without a
  // gap: in order for each member, and for all members of one hub. That goes past the bound of its
  // inbox. It ends with unsubscribe(), and with the subscriber: also with a restart, after which
  // on_start may subscribe anew. To subscribe again is to begin anew. Nothing is heard afterwards,
  // not even of what lies in the inbox already. Waits, and throws, as join() does.
  template <class A>
  void subscribe(const ActorRef<A>& actor) const {
    detail::HandlersOf<A>::template check<MemberJoined>();
    detail::HandlersOf<A>::template check<MemberLeft>();
    detail::subscribe(state_, {actor.joinable(), actor.handlers().template tell<MemberJoined>(),
                               actor.handlers().template tell<MemberLeft>()});
  }
  // False if it is no subscriber.
  bool unsubscribe(const ActorRef<Actor>& actor) const {
    return detail::unsubscribe(state_, actor.joinable());
  }

private:
  detail::TopicHandle state_;
};

} // namespace grove
