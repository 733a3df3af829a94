// SPDX-License-Identifier: MIT
// Savina 8, Concurrent Dictionary: 20 workers ask a dictionary 10,000 times each; one time of ten
// they write.
#include <cstddef>
#include <cstdint>
#include <random>
#include <stdexcept>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include <grove/actors/actor.hpp>
#include <grove/actors/ask_all.hpp>
#include <grove/actors/spawn.hpp>
#include <grove/hub/join.hpp>

#include "savina/program.hpp"

namespace {

constexpr std::int64_t workers = 20;
constexpr std::int64_t requests = 10'000; // of each
constexpr std::uint32_t write_percent = 10;
constexpr std::int32_t keys = 524'287; // at first each is its own value

using Map = std::unordered_map<std::int32_t, std::int32_t>;

struct Write {
  std::int32_t key;
  std::int32_t value;
};
struct Read {
  std::int32_t key;
};

class Dictionary : public grove::Actor {
public:
  Dictionary(const Map& first, Map* last) : map_(first), last_(last) {}
  std::int32_t receive(const Write& write) { return map_[write.key] = write.value; }
  std::int32_t receive(const Read& read) { return map_.at(read.key); }
  void on_stop(const grove::ExitReason&) override { *last_ = std::move(map_); }

private:
  Map map_;
  Map* last_;
};

// What a worker wants: numbers as those of java.util.Random, which the suite draws here.
class Wishes {
public:
  explicit Wishes(std::int64_t worker)
      : chance_(static_cast<std::uint64_t>(worker + requests + write_percent) ^ 0x5DEECE66Du) {}
  bool writes() { return draw(100) < write_percent; }
  std::int32_t key() { return static_cast<std::int32_t>(draw(keys)); }
  std::int32_t value() { return static_cast<std::int32_t>(chance_() >> 16); }

private:
  std::uint32_t draw(std::uint32_t bound) {
    return static_cast<std::uint32_t>(chance_() >> 17) % bound;
  }
  std::linear_congruential_engine<std::uint64_t, 0x5DEECE66Du, 0xB, std::uint64_t{1} << 48> chance_;
};

struct Begin {};

class Worker : public grove::Actor {
public:
  Worker(std::int64_t number, grove::ActorRef<Dictionary> dictionary)
      : wishes_(number), dictionary_(dictionary) {}
  void receive(const Begin&) {
    for (std::int64_t i = 0; i < requests; ++i) {
      if (!wishes_.writes()) {
        dictionary_.ask(Read{wishes_.key()});
        continue;
      }
      const std::int32_t key = wishes_.key();
      const std::int32_t value = wishes_.value();
      if (dictionary_.ask(Write{key, value}) != value)
        throw std::logic_error("another value than the one that was written");
    }
    stop();
  }

private:
  Wishes wishes_;
  grove::ActorRef<Dictionary> dictionary_;
};

const Map& first_map() {
  static const Map map = [] {
    Map filled(keys);
    for (std::int32_t key = 0; key < keys; ++key)
      filled.emplace(key, key);
    return filled;
  }();
  return map;
}

// The workers' wishes once more: every key that was written has another value, and no other one.
void check(const Map& last) {
  std::unordered_set<std::int32_t> written;
  for (std::int64_t worker = 0; worker < workers; ++worker) {
    Wishes wishes(worker);
    for (std::int64_t i = 0; i < requests; ++i) {
      const bool writes = wishes.writes();
      const std::int32_t key = wishes.key();
      if (writes && wishes.value() != key)
        written.insert(key);
    }
  }
  std::size_t changed = 0;
  for (const auto& [key, value] : last) {
    changed += value == key ? 0u : 1u;
    if (value != key && !written.contains(key))
      throw std::runtime_error("a key that nobody wrote has changed");
  }
  savina::expect_equal("changed keys", changed, written.size());
  savina::expect_equal("keys", last.size(), static_cast<std::size_t>(keys));
}

auto dictionary() {
  Map last;
  const auto dictionary = grove::spawn<Dictionary>(first_map(), &last);
  std::vector<grove::ActorRef<Worker>> crew;
  for (std::int64_t i = 0; i < workers; ++i)
    crew.push_back(grove::spawn<Worker>(i, dictionary));
  grove::ask_all({}, crew, Begin{});
  grove::join_all(crew);
  dictionary.stop();
  dictionary.join();
  return [last = std::move(last)] { check(last); };
}

SAVINA_PROGRAM("concdict", dictionary);

} // namespace
