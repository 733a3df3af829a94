// SPDX-License-Identifier: MIT
#include "lookup.hpp"

#include <ares.h>

#include <algorithm>
#include <exception>
#include <utility>

namespace grove::net::detail {

using Reason = ResolveError::Reason;

namespace {
using Ttl = std::optional<std::uint32_t>;
Ttl least(Ttl a, Ttl b) { return !a || (b && *b < *a) ? b : a; }
} // namespace

Lookup::Lookup(NameServers& servers, Kind kind, std::vector<std::string> candidates)
    : servers_(servers), kind_(kind), candidates_(std::move(candidates)) {}

void Lookup::begin() noexcept {
  self_ = shared_from_this();
  begin_candidate();
}

void Lookup::begin_candidate() {
  first_ = servers_.first();
  out_ = parts().size(); // before any begins: it may be home at once
  if (kind_ == Kind::service) {
    parts_[0].begin(*this, RecordType::srv);
    return;
  }
  parts_[0].begin(*this, RecordType::aaaa);
  parts_[1].begin(*this, RecordType::a);
}

// -- one question ---------------------------------------------------------------------------------

void Lookup::Part::begin(Lookup& lookup, RecordType type) {
  lookup_ = &lookup;
  type_ = type;
  turn_ = 0;
  said_.assign(lookup.servers_.count(), nullptr);
  will_not_.assign(lookup.servers_.count(), 0);
  reply_ = {};
  reply_.failure = Reason::server_failed;
  ask_next();
}

void Lookup::Part::ask_next() noexcept {
  NameServers& servers = lookup_->servers_;
  const std::size_t count = servers.count();
  while (turn_ < count * servers.settings().tries) {
    asked_ = (lookup_->first_ + turn_++) % count;
    if (will_not_[asked_] != 0)
      continue;
    try {
      servers.ask(asked_, lookup_->candidates_[lookup_->candidate_], type_, *this);
      return;
    } catch (const std::exception&) { // no memory for the question
      said_[asked_] = "could not be asked";
    }
  }
  std::exchange(lookup_, nullptr)->part_is_home();
}

void Lookup::Part::answered(int status, std::span<const unsigned char> packet) noexcept {
  reply_ = read_reply(status, type_, packet);
  const bool closing = status == ARES_EDESTRUCTION;
  if (closing || !reply_.failure || reply_.is_no() || reply_.failure == Reason::bad_name) {
    if (!closing && reply_.failure != Reason::bad_name)
      lookup_->servers_.has_answered(asked_);
    std::exchange(lookup_, nullptr)->part_is_home();
    return;
  }
  said_[asked_] = reply_.words;
  will_not_[asked_] = status != ARES_ETIMEOUT && status != ARES_ECONNREFUSED ? 1 : 0;
  ask_next();
}

std::string Lookup::Part::asked(const NameServers& servers) const {
  if (reply_.is_no())
    return servers.name(asked_);
  std::string all;
  for (std::size_t i = 0; i < said_.size(); ++i) {
    if (said_[i] != nullptr)
      all += (all.empty() ? "" : "; ") + servers.name(i) + ": " + said_[i];
  }
  return all;
}

// -- all of them ----------------------------------------------------------------------------------

void Lookup::part_is_home() {
  if (--out_ == 0) {
    end_candidate();
    return;
  }
  const auto has_addresses = [](const Part& part) {
    return !part.is_out() && !part.reply().addresses.empty();
  };
  if (std::any_of(parts().begin(), parts().end(), has_addresses))
    found_some();
}

void Lookup::end_candidate() {
  const auto find = [&](auto condition) {
    const auto all = parts();
    const auto found = std::find_if(all.begin(), all.end(),
                                    [&](const Part& part) { return condition(part.reply()); });
    return found == all.end() ? nullptr : &*found;
  };
  if (find([](const Reply& reply) { return !reply.failure; }) != nullptr) {
    finish(answer());
    return;
  }
  if (const Part* part = find([](const Reply& reply) { return !reply.is_no(); })) {
    finish(failure(*part->reply().failure, *part));
    return;
  }
  for (const Part& part : parts()) {
    const Reply& reply = part.reply();
    exists_ = exists_ || reply.failure == Reason::no_address;
    keeps_ = keeps_ && reply.ttl;
    no_ttl_ = least(no_ttl_, reply.ttl);
  }
  if (++candidate_ < candidates_.size()) {
    begin_candidate();
    return;
  }
  Answer no = failure(exists_ ? Reason::no_address : Reason::no_such_name, parts_[0]);
  no.ttl = keeps_ ? no_ttl_.value_or(0) : 0;
  finish(std::move(no));
}

void Lookup::settle_for_some() noexcept {
  if (!std::exchange(over_, true))
    found(answer());
}

void Lookup::finish(Answer result) noexcept {
  const auto keep = std::move(self_);
  if (!std::exchange(over_, true))
    found(std::move(result));
}

Answer Lookup::answer() const {
  Answer all;
  bool complete = true;
  std::optional<std::uint32_t> ttl = no_ttl_;
  for (const Part& part : parts()) {
    const Reply& reply = part.reply();
    if (part.is_out() || (reply.failure && !reply.is_no())) {
      complete = false;
      continue;
    }
    all.addresses.insert(all.addresses.end(), reply.addresses.begin(), reply.addresses.end());
    all.services.insert(all.services.end(), reply.services.begin(), reply.services.end());
    ttl = least(ttl, reply.ttl);
  }
  if (complete) // else the next one asks again
    all.ttl = ttl.value_or(0);
  return all;
}

Answer Lookup::failure(Reason reason, const Part& part) const {
  Answer none;
  none.failure = reason;
  none.asked = part.asked(servers_);
  return none;
}

} // namespace grove::net::detail
