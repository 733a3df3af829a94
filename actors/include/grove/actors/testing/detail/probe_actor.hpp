// SPDX-License-Identifier: MIT
// The actor behind a Probe: it puts what it is sent where the test reads it.
#pragma once

#include <cstddef>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>

#include <grove/actors/actor.hpp>
#include <grove/actors/detail/api_table.hpp>
#include <grove/hub/async_result.hpp>
#include <grove/hub/queue.hpp>

namespace grove::detail {

// A message type alone is one without a reply.
template <class T>
using AsSignature = std::conditional_t<std::is_function_v<T>, std::type_identity<T>,
                                       std::type_identity<void(std::decay_t<T>)>>;

// One message that has come. `reply` waits for the test, unless it was answered at once.
template <class S>
struct Arrival {
  MessageIn<S> message;
};
template <class S>
requires(!std::is_void_v<ReplyIn<S>>) struct Arrival<S> {
  MessageIn<S> message;
  std::optional<AsyncResult<ReplyIn<S>>> reply;
};

// What a probe does with messages of one type.
template <class S>
struct Orders {
  std::function<bool(const MessageIn<S>&)> ignores;
};
template <class S>
requires(!std::is_void_v<ReplyIn<S>>) struct Orders<S> {
  using Answer = std::function<ReplyIn<S>(const MessageIn<S>&)>;
  std::function<bool(const MessageIn<S>&)> ignores;
  std::deque<Answer> answers_once; // first these
  Answer answer;
  std::optional<AsyncResult<ReplyIn<S>>> open; // of the last one that the test has taken
};

// Shared by the test's side and the actor's. Hub-local.
template <class... S>
struct ProbeMailbox {
  using Entry = std::variant<std::monostate, Arrival<S>...>;
  Queue<Entry> arrivals;
  std::tuple<Orders<S>...> orders;
};

// receive() for one signature.
template <class Mailbox, class S>
class ProbeReceiver {
  using M = MessageIn<S>;
  using R = ReplyIn<S>;

public:
  explicit ProbeReceiver(Mailbox& mailbox) : mailbox_(&mailbox) {}

  void receive(M message) requires std::is_void_v<R> { arrive(Arrival<S>{std::move(message)}); }
  AsyncResult<R> receive(M message) requires(!std::is_void_v<R>) {
    AsyncResult<R> reply;
    const bool answered = answer(message, reply);
    arrive(Arrival<S>{std::move(message),
                      answered ? std::nullopt : std::optional<AsyncResult<R>>(reply)});
    return reply;
  }

private:
  Orders<S>& orders() { return std::get<Orders<S>>(mailbox_->orders); }
  bool answer(const M& message, const AsyncResult<R>& reply) requires(!std::is_void_v<R>) {
    typename Orders<S>::Answer how = orders().answer;
    if (!orders().answers_once.empty()) {
      how = std::move(orders().answers_once.front());
      orders().answers_once.pop_front();
    }
    if (!how)
      return false;
    try {
      reply.set(how(message));
    } catch (const std::exception&) { // the asker's, not the probe's
      reply.set_exception(std::current_exception());
    }
    return true;
  }
  void arrive(Arrival<S>&& arrival) {
    const auto& ignores = orders().ignores;
    if (!ignores || !ignores(arrival.message))
      mailbox_->arrivals.put(typename Mailbox::Entry(std::move(arrival)));
  }

  Mailbox* mailbox_;
};

template <class... S>
class ProbeActor : public Actor, public ProbeReceiver<ProbeMailbox<S...>, S>... {
public:
  explicit ProbeActor(std::shared_ptr<ProbeMailbox<S...>> mailbox)
      : ProbeReceiver<ProbeMailbox<S...>, S>(*mailbox)..., mailbox_(std::move(mailbox)) {}
  using ProbeReceiver<ProbeMailbox<S...>, S>::receive...;

private:
  std::shared_ptr<ProbeMailbox<S...>> mailbox_;
};

} // namespace grove::detail
