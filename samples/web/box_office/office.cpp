// SPDX-License-Identifier: MIT
#include "office.hpp"

#include <fmt/core.h>

#include <chrono>

using namespace std::chrono_literals;

namespace box_office {

namespace {
// However often they fail: as long as the database is away they do.
constexpr unsigned any_number = 1'000'000'000;
} // namespace

Office::Office(Database* database)
    : Supervisor({.strategy = grove::Strategy::simple_one_for_one,
                  .intensity = any_number,
                  .backoff = {.first = 10ms, .longest = 1s, .jitter = 0.1}}),
      database_(database) {}

std::optional<grove::ActorRef<Show>> Office::receive(const Find& find) {
  const auto known = shows_.find(find.show);
  if (known == shows_.end())
    return std::nullopt;
  return known->second;
}

grove::ActorRef<Show> Office::receive(const Open& open) {
  if (const auto known = receive(Find{open.show}))
    return *known;
  const auto show = add<Show>({.id = fmt::format("show-{}", open.show)}, database_, open.show);
  shows_.emplace(open.show, show);
  return show;
}

} // namespace box_office
