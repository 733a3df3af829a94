// SPDX-License-Identifier: MIT
// References to Apis: looking for a handler, and for what a class declares.
#include <grove/actors/api.hpp>

#include <string>

#include <grove/actors/errors.hpp>
#include <grove/hub/async_result.hpp>
#include <grove/hub/detail/report.hpp>

#include "relations.hpp"

namespace grove::detail {

const ApiRow* find_row(const ApiRow* table, const Signature* wanted) noexcept {
  for (; table->signature != nullptr; ++table) {
    if (table->signature == wanted)
      return table;
  }
  return nullptr;
}

namespace {

// On the actor's hub: its table, or what is wrong.
struct Found {
  const ApiRow* table = nullptr;
  std::exception_ptr error{};
};
Found look(IdentityRef actor, const Signature* const* wanted) {
  if (!actor.alive())
    return {nullptr, std::make_exception_ptr(ActorDown("api_cast: the actor has ended"))};
  const ApiRow* table = static_cast<const ActorOps*>(actor.identity->ops)->api;
  const auto wrong = [&](const std::string& what) -> Found {
    return {nullptr,
            std::make_exception_ptr(ApiMismatch("api_cast: " + name_of(actor.identity) + what))};
  };
  if (table == nullptr)
    return wrong(" declares no public Api: its class is to say `using Api = grove::Api<...>;`");
  for (; *wanted != nullptr; ++wanted) {
    if (find_row(table, *wanted) == nullptr)
      return wrong(std::string(" does not list ") + (*wanted)->text + " in its Api");
  }
  return {table, nullptr};
}

} // namespace

const ApiRow* cast_to_api(IdentityRef actor, const Signature* const* wanted) {
  Found found;
  if (actor.identity == &nobody || is_here(actor)) {
    found = look(actor, wanted);
  } else {
    const AsyncResult<Found> done;
    if (!on_home_of(actor.identity, [=] { done.set(look(actor, wanted)); }))
      throw ActorDown("api_cast: the actor has ended");
    found = done.get();
  }
  if (found.error != nullptr)
    std::rethrow_exception(found.error);
  return found.table;
}

} // namespace grove::detail
