// SPDX-License-Identifier: MIT
// Rules, and how they are applied.
#include <grove/zmq/access_rules.hpp>

#include <algorithm>
#include <optional>
#include <stdexcept>
#include <utility>

#include <grove/zmq/certificate.hpp>

#include "access_table.hpp"

namespace grove::zmq {
namespace detail {

namespace {

bool among(const std::vector<AddressRange>& ranges, const IpAddress& address) {
  return std::any_of(ranges.begin(), ranges.end(),
                     [&](const AddressRange& range) { return range.contains(address); });
}

} // namespace

bool AccessTable::address_passes(const std::string& text) const {
  const std::optional<IpAddress> address = parse_address(text);
  if (!address)
    return allowed.empty();
  return !among(denied, *address) && (allowed.empty() || among(allowed, *address));
}

Verdict AccessTable::judge(const AuthRequest& request, std::string& user_id) const {
  if (!address_passes(request.address))
    return Verdict::wrong_address;
  if (request.mechanism == "NULL")
    return anonymous ? Verdict::allowed : Verdict::wrong_mechanism;
  if (request.mechanism == "PLAIN") {
    static const Secret nobody("no password that counts");
    const auto entry = passwords.find(request.user);
    const bool known = entry != passwords.end();
    // A password is compared in any case: the time does not tell which users there are.
    const bool right = (known ? entry->second : nobody).equals(request.password);
    if (known && right) {
      user_id = request.user;
      return Verdict::allowed;
    }
    return passwords.empty() ? Verdict::wrong_mechanism : Verdict::wrong_credentials;
  }
  if (request.mechanism == "CURVE") {
    if (const auto entry = keys.find(request.public_key); entry != keys.end()) {
      user_id = entry->second;
      return Verdict::allowed;
    }
    if (any_key) {
      user_id = request.public_key;
      return Verdict::allowed;
    }
    return keys.empty() ? Verdict::wrong_mechanism : Verdict::wrong_credentials;
  }
  return Verdict::wrong_mechanism;
}

} // namespace detail

namespace {

detail::AddressRange range_of(std::string_view text, const char* what) {
  const std::optional<detail::AddressRange> range = detail::AddressRange::parse(text);
  if (!range) {
    throw std::invalid_argument(std::string("grove: ") + what + ": \"" + std::string(text) +
                                "\" is no address, nor one with /BITS");
  }
  return *range;
}

} // namespace

AccessRules::AccessRules() : table_(std::make_unique<detail::AccessTable>()) {}
AccessRules::~AccessRules() = default;

void AccessRules::allow_address(std::string_view range) {
  table_->allowed.push_back(range_of(range, "AccessRules.allow_address"));
}

void AccessRules::deny_address(std::string_view range) {
  table_->denied.push_back(range_of(range, "AccessRules.deny_address"));
}

void AccessRules::allow_key(std::string_view public_key, std::string user_id) {
  if (!is_curve_key(public_key)) {
    throw std::invalid_argument("grove: AccessRules.allow_key: a key of " +
                                std::to_string(public_key.size()) +
                                " characters, where 40 of Z85 are expected");
  }
  std::string key(public_key);
  if (user_id.empty())
    user_id = key;
  table_->keys.insert_or_assign(std::move(key), std::move(user_id));
}

bool AccessRules::remove_key(std::string_view public_key) {
  const auto entry = table_->keys.find(public_key);
  if (entry == table_->keys.end())
    return false;
  table_->keys.erase(entry);
  return true;
}

std::size_t AccessRules::allow_certificates(const std::string& folder) {
  const std::vector<Certificate> certificates = load_certificates(folder);
  for (const Certificate& certificate : certificates) {
    const auto name = certificate.metadata.find("name");
    allow_key(certificate.public_key,
              name == certificate.metadata.end() ? std::string() : name->second);
  }
  return certificates.size();
}

void AccessRules::allow_any_key(bool allow) { table_->any_key = allow; }

void AccessRules::allow_password(std::string user, std::string_view password) {
  table_->passwords.insert_or_assign(std::move(user), detail::Secret(password));
}

bool AccessRules::remove_user(std::string_view user) {
  const auto entry = table_->passwords.find(user);
  if (entry == table_->passwords.end())
    return false;
  table_->passwords.erase(entry);
  return true;
}

void AccessRules::allow_anonymous(bool allow) { table_->anonymous = allow; }

} // namespace grove::zmq
