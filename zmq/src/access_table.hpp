// SPDX-License-Identifier: MIT
// What AccessRules collect, and the verdict on a request.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include <grove/zmq/authenticator.hpp>
#include <grove/zmq/detail/secret.hpp>

#include "address_range.hpp"

namespace grove::zmq::detail {

enum class Verdict : std::uint8_t { allowed, wrong_address, wrong_credentials, wrong_mechanism };

class AccessTable {
public:
  // If it is allowed, `user_id` is set.
  Verdict judge(const AuthRequest& request, std::string& user_id) const;

  std::vector<AddressRange> allowed, denied;
  std::map<std::string, std::string, std::less<>> keys; // Z85 to the user's name
  std::map<std::string, Secret, std::less<>> passwords; // by user
  bool any_key = false;
  bool anonymous = false;

private:
  bool address_passes(const std::string& text) const;
};

} // namespace grove::zmq::detail
