// SPDX-License-Identifier: MIT
// What a Group does with functions and items: spawn, apply, map, imap.
#pragma once

#include <iterator>
#include <optional>
#include <variant>

#include <grove/hub/detail/queue_common.hpp>
#include <grove/hub/group.hpp>
#include <grove/hub/timeout.hpp>

namespace grove {

// -- one function ---------------------------------------------------------------------------------

template <class T, class F, class... Args>
GreenletRef<T> Group::make_member(bool with_slot, Args&&... args) {
  detail::Identity* self =
      detail::make_task<T, detail::MemberCall<F>>(*detail::this_hub, std::forward<Args>(args)...);
  self->ops = &detail::member_ops<T, F>;
  enter(*detail::born_member(self), self, with_slot);
  return GreenletRef<T>::adopt(self);
}

inline void Group::start(const GreenletRef<>& member) {
  detail::start_here(*detail::this_hub, member.identity());
  if (killing_ != 0) [[unlikely]]
    member.kill_nowait();
}

inline void Group::start_in(Group& crew, detail::Member& place, const GreenletRef<>& member) {
  crew.enter(place, member.identity(), false);
  start(member);
  if (crew.killing_ != 0) [[unlikely]]
    member.kill_nowait();
}

template <class F, class... Args>
requires SpawnCallable<F, Args...> GreenletRef<SpawnResult<F, Args...>>
Group::spawn(F&& f, Args&&... args) {
  Slot slot(*this, "Group.spawn");
  using Call = std::conditional_t<sizeof...(Args) == 0, std::decay_t<F>,
                                  detail::Bound<std::decay_t<F>, std::decay_t<Args>...>>;
  auto ref = make_member<SpawnResult<F, Args...>, Call>(true, std::forward<F>(f),
                                                        std::forward<Args>(args)...);
  slot.keep();
  start(ref);
  return ref;
}

template <class F, class... Args>
requires SpawnCallable<F, Args...> GreenletRef<SpawnResult<F, Args...>>
Group::spawn(const SpawnOptions& options, F&& f, Args&&... args) {
  using Result = SpawnResult<F, Args...>;
  using Call = detail::Bound<std::decay_t<F>, std::decay_t<Args>...>;
  if (detail::elsewhere(options)) {
    return spawn([options, call = Call(std::forward<F>(f), std::forward<Args>(args)...)]() mutable {
      return detail::call_on<Result>(*options.hub, options, std::move(call));
    });
  }
  Slot slot(*this, "Group.spawn");
  auto ref = make_member<Result, Call>(true, std::forward<F>(f), std::forward<Args>(args)...);
  slot.keep();
  detail::set_options(ref.identity(), options);
  start(ref);
  return ref;
}

// A member that waits for its slot when it begins.
template <class F>
class Group::LateCall {
public:
  template <class... Args>
  explicit LateCall(Group& group, Args&&... args)
      : group_(group), function_(std::forward<Args>(args)...) {}
  decltype(auto) operator()() {
    detail::Member& member = *detail::born_member(detail::this_hub->current);
    if (member.group() == &group_) // it was not discarded
      group_.promote(member);
    return function_();
  }

private:
  Group& group_;
  F function_;
};

template <class F, class... Args>
requires SpawnCallable<F, Args...> GreenletRef<SpawnResult<F, Args...>>
Group::apply_async(F&& f, Args&&... args) {
  home_("Group.apply_async");
  using Call = detail::Bound<std::decay_t<F>, std::decay_t<Args>...>;
  GreenletRef<SpawnResult<F, Args...>> ref;
  if (take_free_slot()) {
    Slot slot(*this);
    ref = make_member<SpawnResult<F, Args...>, Call>(true, std::forward<F>(f),
                                                     std::forward<Args>(args)...);
    slot.keep();
  } else {
    ref = make_member<SpawnResult<F, Args...>, LateCall<Call>>(false, *this, std::forward<F>(f),
                                                               std::forward<Args>(args)...);
  }
  start(ref);
  return ref;
}

template <class F, class... Args>
requires SpawnCallable<F, Args...> SpawnResult<F, Args...> Group::apply(F&& f, Args&&... args) {
  if (bounded() && has_slot(detail::here().current)) {
    detail::check_interrupts();
    return detail::Bound<std::decay_t<F>, std::decay_t<Args>...>(std::forward<F>(f),
                                                                 std::forward<Args>(args)...)();
  }
  auto ref = spawn(std::forward<F>(f), std::forward<Args>(args)...);
  try {
    ref.join();
  } catch (...) {
    const Shield shield;
    ref.kill();
    throw;
  }
  const Shield shield; // it is there: nothing that comes now takes it away
  return std::move(ref).get();
}

template <class F>
auto Group::attend(F&& f) {
  auto ref = make_member<std::invoke_result_t<std::decay_t<F>&>, std::decay_t<F>>(
      false, std::forward<F>(f));
  start(ref);
  return ref;
}

// -- many items -----------------------------------------------------------------------------------

// A member of the group that also belongs to the crew of one map.
template <class Work>
struct Group::Worker {
  detail::Member crew;
  Worker(const Work& w, std::size_t i) : work(w), first(i) {}
  void operator()() { work(first); }
  const Work& work;
  std::size_t first;
};

// For a member of a pool: it has a slot, and might wait for another for ever.
template <class Work>
void Group::run_here(Work work, Deadline deadline) {
  if (!with_timeout(deadline, work))
    throw_not_in_time("Group.map");
}

// run_one(i) for each i below count, by workers of this group. Each takes an item, and when it is
// done the next that is left, but lets the others run before it begins that: the order of things is
// that of a greenlet per item.
template <class RunOne>
void Group::share(std::size_t count, RunOne run_one, Deadline deadline) {
  home_("Group.map");
  detail::check_interrupts();
  if (bounded() && has_slot(detail::this_hub->current)) {
    run_here(
        [&] {
          for (std::size_t i = 0; i < count; ++i)
            run_one(i);
        },
        deadline);
    return;
  }
  std::size_t next = 0;
  std::size_t done = 0;
  Group* crew_of_work = nullptr;
  const auto work = [&](std::size_t i) {
    try {
      for (;;) {
        run_one(i);
        ++done;
        if (next != count && bounded())
          make_way();
        if (next == count)
          return;
        i = next++;
        yield();
      }
    } catch (const GreenletExit&) {
      next = count;
      throw;
    } catch (...) {
      next = count;
      crew_of_work->fail(std::current_exception());
    }
  };
  using Call = Worker<decltype(work)>;
  Group crew; // the last to be made: it goes first, and nobody is left who uses the rest
  crew_of_work = &crew;
  for (std::size_t workers = std::min(count, bounded() ? std::max<std::size_t>(bound_, 1) : count);
       workers != 0; --workers) {
    Slot slot(*this, "Group.map", deadline);
    if (next == count)
      break;
    auto ref = make_member<void, Call>(true, work, next++);
    slot.keep();
    auto& task = *detail::body<detail::Task<void, detail::MemberCall<Call>>>(ref.identity());
    start_in(crew, task.function->function.crew, ref);
  }
  if (!crew.finish(deadline))
    throw_not_in_time("Group.map");
  if (done != count)
    throw Killed("Group.map: a greenlet of the group was killed");
}

namespace detail {

// The working side of an imap: a feeder takes the items and spawns a greenlet for each.
template <class T, class F, class R>
class Stream : public ResultsState<T> {
  using Item = std::ranges::range_value_t<R>;

public:
  Stream(Group& group, bool ordered, std::size_t maxsize, F f, R items)
      : ResultsState<T>(ordered, maxsize), group_(group), function_(std::move(f)),
        items_(std::forward<R>(items)) {}

  void start() {
    auto ref = group_.template make_member<void, Feeder>(false, *this);
    auto& task = *body<Task<void, MemberCall<Feeder>>>(ref.identity());
    group_.start_in(crew_, task.function->function.crew, ref);
  }

private:
  struct Feeder {
    Member crew;
    Stream& stream;
    bool over = false;
    explicit Feeder(Stream& s) : stream(s) {}
    Feeder(const Feeder&) = delete;
    Feeder& operator=(const Feeder&) = delete;
    ~Feeder() { finish(killed()); }
    void operator()() {
      try {
        stream.feed();
        finish(nullptr);
      } catch (const GreenletExit&) {
        throw;
      } catch (...) {
        finish(std::current_exception());
      }
    }
    void finish(std::exception_ptr error) {
      if (!std::exchange(over, true))
        stream.end(std::move(error));
    }
  };

  struct Call {
    Member crew;
    Stream& stream;
    std::size_t number;
    Item item;
    bool answered = false;
    template <class I>
    Call(Stream& s, std::size_t n, I&& i) : stream(s), number(n), item(std::forward<I>(i)) {}
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;
    ~Call() {
      if (!answered)
        answer([](auto& entry) { entry.error = killed(); });
    }
    void operator()() {
      try {
        if constexpr (std::is_void_v<std::invoke_result_t<F&, Item>>) {
          std::invoke(stream.function_, std::forward<Item>(item));
          answer([](auto& entry) { entry.value.emplace(); });
        } else {
          T value = std::invoke(stream.function_, std::forward<Item>(item));
          answer([&](auto& entry) { entry.value.emplace(std::move(value)); });
        }
      } catch (const GreenletExit&) {
        throw;
      } catch (...) {
        answer([](auto& entry) { entry.error = std::current_exception(); });
      }
    }
    template <class Fill>
    void answer(Fill fill) {
      auto& entry = stream.entry_of(number);
      answered = true;
      try {
        fill(entry);
      } catch (...) { // the value could not be moved
        entry.error = std::current_exception();
      }
      stream.deliver(entry);
    }
  };

  static std::exception_ptr killed() {
    return std::make_exception_ptr(Killed("imap: its greenlet was killed"));
  }

  void feed() {
    this->wait_for_room();
    auto at = std::ranges::begin(items_);
    const auto last = std::ranges::end(items_);
    while (at != last) {
      {
        Group::Slot slot(group_, "Group.imap");
        const std::size_t number = this->begin_item();
        try {
          auto ref = group_.template make_member<void, Call>(true, *this, number, *at);
          slot.keep();
          auto& task = *body<Task<void, MemberCall<Call>>>(ref.identity());
          group_.start_in(crew_, task.function->function.crew, ref);
        } catch (const GreenletExit&) {
          throw;        // nobody reads any more
        } catch (...) { // the item could not be taken: that is its result
          auto& entry = this->entry_of(number);
          entry.error = std::current_exception();
          this->deliver(entry);
        }
      }
      this->wait_for_room(); // before the next item is asked for
      ++at;
    }
  }

  Group& group_;
  F function_;
  R items_;
  Group crew_; // the last: it goes first, and with it everybody who uses the rest
};

} // namespace detail

template <bool Ordered, class F, class R>
auto Group::stream(F f, R&& items, std::size_t maxsize) {
  home_("Group.imap");
  detail::checked_maxsize(Ordered ? "Group.imap" : "Group.imap_unordered", maxsize);
  using Made = std::invoke_result_t<F&, std::ranges::range_value_t<R>>;
  using T = std::conditional_t<std::is_void_v<Made>, std::monostate, std::decay_t<Made>>;
  auto state = std::make_unique<detail::Stream<T, F, R>>(*this, Ordered, maxsize, std::move(f),
                                                         std::forward<R>(items));
  state->start();
  return Results<T>(std::move(state));
}

template <class F, std::ranges::input_range R>
auto Group::map(F&& f, R&& items, Deadline deadline) {
  constexpr bool indexed = std::ranges::random_access_range<R> && std::ranges::sized_range<R>;
  using Given =
      std::conditional_t<indexed, std::ranges::range_reference_t<R>, std::ranges::range_value_t<R>>;
  using Made = std::invoke_result_t<F&, Given>;
  if constexpr (!indexed) {
    std::vector<std::conditional_t<std::is_void_v<Made>, std::monostate, std::decay_t<Made>>> made;
    if (bounded() && has_slot(detail::here().current)) {
      const auto work = [&] {
        for (auto&& item : items) {
          if constexpr (std::is_void_v<Made>)
            std::invoke(f, std::ranges::range_value_t<R>(std::forward<decltype(item)>(item)));
          else
            made.push_back(
                std::invoke(f, std::ranges::range_value_t<R>(std::forward<decltype(item)>(item))));
        }
      };
      run_here(work, deadline);
    } else {
      auto results = imap(std::ref(f), items);
      results.state_->fail_early();
      while (auto one = results.state_->next(deadline, "Group.map"))
        made.push_back(std::move(*one));
    }
    if constexpr (!std::is_void_v<Made>)
      return made;
  } else {
    const auto first = std::ranges::begin(items);
    using Difference = std::ranges::range_difference_t<R>;
    const auto count = static_cast<std::size_t>(std::ranges::size(items));
    if constexpr (std::is_void_v<Made>) {
      share(
          count, [&](std::size_t i) { std::invoke(f, first[static_cast<Difference>(i)]); },
          deadline);
    } else {
      std::vector<std::optional<std::decay_t<Made>>> made(count);
      share(
          count,
          [&](std::size_t i) {
            made[i].emplace(std::invoke(f, first[static_cast<Difference>(i)]));
          },
          deadline);
      std::vector<std::decay_t<Made>> results;
      results.reserve(count);
      for (auto& one : made)
        results.push_back(std::move(*one));
      return results;
    }
  }
}

} // namespace grove
