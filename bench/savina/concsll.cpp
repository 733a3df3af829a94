// SPDX-License-Identifier: MIT
// Savina 9, Concurrent Sorted Linked-List: 20 workers ask a sorted list 8,000 times each: to insert
// (10 of 100), for its size (1), or whether it has a number. The list is linear: handlers are long.
#include <algorithm>
#include <cstdint>
#include <forward_list>
#include <iterator>
#include <stdexcept>
#include <utility>
#include <vector>

#include <grove/actors/actor.hpp>
#include <grove/actors/ask_all.hpp>
#include <grove/actors/spawn.hpp>
#include <grove/hub/join.hpp>

#include "savina/program.hpp"
#include "savina/work.hpp"

namespace {

constexpr std::int64_t workers = 20;
constexpr std::int64_t requests = 8'000; // of each
constexpr std::int64_t insert_percent = 10;
constexpr std::int64_t size_percent = 1;

struct Insert {
  std::int64_t number;
};
struct Contains {
  std::int64_t number;
};
struct Size {};

class SortedList : public grove::Actor {
public:
  explicit SortedList(std::forward_list<std::int64_t>* last) : last_(last) {}

  void receive(const Insert& insert) {
    auto before = list_.before_begin();
    for (auto next = list_.begin(); next != list_.end() && *next <= insert.number; ++next)
      before = next;
    list_.insert_after(before, insert.number);
  }
  bool receive(const Contains& contains) {
    return std::find(list_.begin(), list_.end(), contains.number) != list_.end();
  }
  std::int64_t receive(const Size&) { return std::distance(list_.begin(), list_.end()); }
  void on_stop(const grove::ExitReason&) override { *last_ = std::move(list_); }

private:
  std::forward_list<std::int64_t> list_;
  std::forward_list<std::int64_t>* last_;
};

savina::PseudoRandom chance_of(std::int64_t worker) {
  return savina::PseudoRandom(worker + requests + insert_percent + size_percent);
}

struct Begin {};

class Worker : public grove::Actor {
public:
  Worker(std::int64_t number, grove::ActorRef<SortedList> list)
      : chance_(chance_of(number)), list_(list) {}
  void receive(const Begin&) {
    for (std::int64_t i = 0; i < requests; ++i) {
      const std::int64_t wish = chance_.next(100);
      if (wish < size_percent)
        list_.ask(Size{});
      else if (wish < size_percent + insert_percent)
        list_.ask(Insert{chance_.next()});
      else
        list_.ask(Contains{chance_.next()});
    }
    stop();
  }

private:
  savina::PseudoRandom chance_;
  grove::ActorRef<SortedList> list_;
};

// The workers' wishes once more: the list has what they inserted, in order.
void check(const std::forward_list<std::int64_t>& list) {
  std::vector<std::int64_t> wanted;
  for (std::int64_t worker = 0; worker < workers; ++worker) {
    auto chance = chance_of(worker);
    for (std::int64_t i = 0; i < requests; ++i) {
      const std::int64_t wish = chance.next(100);
      const std::int64_t number = wish < size_percent ? 0 : chance.next();
      if (wish >= size_percent && wish < size_percent + insert_percent)
        wanted.push_back(number);
    }
  }
  std::sort(wanted.begin(), wanted.end());
  if (!std::equal(list.begin(), list.end(), wanted.begin(), wanted.end()))
    throw std::runtime_error("the list is not what was inserted, in order");
}

auto sorted_list() {
  std::forward_list<std::int64_t> last;
  const auto list = grove::spawn<SortedList>(&last);
  std::vector<grove::ActorRef<Worker>> crew;
  for (std::int64_t i = 0; i < workers; ++i)
    crew.push_back(grove::spawn<Worker>(i, list));
  grove::ask_all({}, crew, Begin{});
  grove::join_all(crew);
  list.stop();
  list.join();
  return [last = std::move(last)] { check(last); };
}

SAVINA_PROGRAM("concsll", sorted_list);

} // namespace
