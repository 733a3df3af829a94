// SPDX-License-Identifier: MIT
// Probe: an actor whose messages a test reads.
#pragma once

#include <chrono>
#include <concepts>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>

#include <grove/actors/api.hpp>
#include <grove/actors/spawn.hpp>
#include <grove/actors/testing/detail/probe_actor.hpp>
#include <grove/actors/testing/probe_base.hpp>
#include <grove/hub/deadline.hpp>
#include <grove/hub/timeout.hpp>

namespace grove::testing {

// Probe<Pong(Ping), Note> receives Pings, each of which is to be answered with a Pong, and Notes.
// It stands in for any actor that is known by an Api:
//
//   Probe<Row(Query), Stop> database;
//   auto cache = kit.spawn<Cache>(database.ref()); // takes an ActorRef<Api<Row(Query)>>
//   auto answer = cache.ask_async(Get{7});
//   EXPECT_EQ(database.expect<Query>().id, 7);
//   database.reply<Query>(Row{"seven"});
//   EXPECT_EQ(answer.get().text, "seven");
//
// What comes is kept in its order until the test takes it. The expect calls wait for it; a kill or
// a Timeout scope ends the wait and takes nothing. Who asks is answered by reply() or reply_error()
// to the message that was taken last, or at once by an answer() given before; where the reply is
// void, at once; and gets BrokenReply when the message is dropped unanswered or the probe ends. A
// negative time is std::invalid_argument.
// Made, used and destroyed on one hub; its actor ends with it.
template <class... Types>
class Probe : public ProbeBase {
  template <class T>
  using SignatureOf = typename detail::AsSignature<T>::type;
  using Mailbox = detail::ProbeMailbox<SignatureOf<Types>...>;
  using Entry = typename Mailbox::Entry;
  template <class M>
  using SignatureFor =
      std::tuple_element_t<detail::place_of<M, SignatureOf<Types>...>(),
                           std::tuple<SignatureOf<Types>..., void()>>; // else that of no message
  template <class M>
  using Arrival = detail::Arrival<SignatureFor<M>>;
  template <class M>
  static constexpr void check() {
    static_assert(detail::count_of<M, SignatureOf<Types>...> == 1,
                  "this probe does not list this message");
  }

public:
  using Api = grove::Api<SignatureOf<Types>...>;

  explicit Probe(std::string name = "the probe")
      : ProbeBase(std::move(name)), mailbox_(std::make_shared<Mailbox>()),
        ref_(spawn<detail::ProbeActor<SignatureOf<Types>...>>(mailbox_)) {}
  ~Probe() {
    const Shield shield;
    ref_.kill();
  }

  ActorRef<Api> ref() const { return ref_; }

  // -- what comes --------------------------------------------------------------------------------
  // The next message, which is an M, and, if a condition is given, one that fulfils it.
  template <class M>
  M expect(std::chrono::nanoseconds within = patience) {
    return expect<M>([](const M&) { return true; }, within);
  }
  template <class M, std::predicate<const M&> Condition>
  M expect(Condition condition, std::chrono::nanoseconds within = patience) {
    const Wait wait = begin(within);
    std::optional<Entry> entry = next(wait);
    if (!entry)
      this->fail(wait, wanted<M>(), "nothing came");
    auto* arrival = std::get_if<Arrival<M>>(&*entry);
    if (arrival == nullptr)
      this->fail(wait, wanted<M>(), text_of(*entry) + " came");
    if (!condition(std::as_const(arrival->message)))
      this->fail(wait, wanted<M>() + " that fulfils a condition", text_of(*entry) + " came");
    return taken<M>(*arrival);
  }
  // The next M that fulfils the condition; what comes before it is dropped.
  template <class M, std::predicate<const M&> Condition>
  M fish_for(Condition condition, std::chrono::nanoseconds within = patience) {
    const Wait wait = begin(within);
    std::string others;
    while (std::optional<Entry> entry = next(wait)) {
      auto* arrival = std::get_if<Arrival<M>>(&*entry);
      if (arrival != nullptr && condition(std::as_const(arrival->message)))
        return taken<M>(*arrival);
      others += (others.empty() ? "" : ", ") + text_of(*entry);
    }
    this->fail(wait, wanted<M>() + " that fulfils a condition",
               others.empty() ? "nothing came" : "only " + others + " came");
  }
  template <class M>
  M fish_for(std::chrono::nanoseconds within = patience) {
    return fish_for<M>([](const M&) { return true; }, within);
  }
  // Nothing comes for so long, nor what came before was left untaken.
  void expect_no(std::chrono::nanoseconds time = std::chrono::nanoseconds(0)) {
    Wait wait = begin(time);
    wait.limit += std::chrono::nanoseconds(1); // so that all who can run have done so
    if (const std::optional<Entry> entry = next(wait))
      fail_no(wait, text_of(*entry));
  }
  // From now on these are not kept (but answered).
  template <class M>
  void ignore() {
    ignore<M>([](const M&) { return true; });
  }
  template <class M, std::predicate<const M&> Condition>
  void ignore(Condition condition) {
    orders<M>().ignores = std::move(condition);
  }

  // -- answers -----------------------------------------------------------------------------------
  // To the M that was taken last. std::logic_error if there is none to be answered.
  template <class M, class R>
  void reply(R&& value) {
    take_open<M>().set(std::forward<R>(value));
  }
  template <class M>
  void reply_error(std::exception_ptr error) {
    take_open<M>().set_exception(std::move(error));
  }
  // Whoever asks with an M from now on gets this value, or what this function of the message
  // returns or throws; the messages are kept for the test all the same.
  template <class M, class Answer>
  void answer(Answer answer) {
    orders<M>().answer = function_of<M>(std::move(answer));
  }
  // The next one; several are used in their order, before that of answer().
  template <class M, class Answer>
  void answer_once(Answer answer) {
    orders<M>().answers_once.push_back(function_of<M>(std::move(answer)));
  }

private:
  template <class M>
  auto& orders() {
    check<M>();
    return std::get<detail::Orders<SignatureFor<M>>>(mailbox_->orders);
  }
  template <class M>
  static std::string wanted() {
    check<M>();
    return std::string("a ") + detail::message_type<M>.name;
  }
  static std::string text_of(const Entry& entry) {
    return std::visit(
        [](const auto& arrival) {
          if constexpr (requires { arrival.message; })
            return show(arrival.message);
          else
            return std::string(); // there is always one
        },
        entry);
  }
  std::optional<Entry> next(const Wait& wait) {
    try {
      return mailbox_->arrivals.get(end(wait));
    } catch (const TimeoutError&) {
      return std::nullopt;
    }
  }
  template <class M, class Arrived>
  M taken(Arrived& arrival) {
    if constexpr (requires { arrival.reply; })
      orders<M>().open = std::move(arrival.reply);
    return std::move(arrival.message);
  }
  template <class M>
  auto take_open() {
    auto& open = orders<M>().open;
    if (!open)
      nothing_to_reply(detail::message_type<M>.name);
    return *std::exchange(open, std::nullopt);
  }
  template <class M, class Answer>
  static auto function_of(Answer answer) {
    using Function = typename detail::Orders<SignatureFor<M>>::Answer;
    if constexpr (std::is_convertible_v<Answer, Function>) {
      return Function(std::move(answer));
    } else {
      constexpr bool is_reply =
          std::is_convertible_v<const Answer&, typename Function::result_type>;
      static_assert(is_reply, "an answer is a value of the reply's type, or a function of the "
                              "message that returns one");
      if constexpr (is_reply)
        return Function([value = std::move(answer)](const M&) { return value; });
      else
        return Function();
    }
  }

  std::shared_ptr<Mailbox> mailbox_;
  ActorRef<Api> ref_;
};

} // namespace grove::testing
