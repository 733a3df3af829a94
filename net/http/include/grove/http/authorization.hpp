// SPDX-License-Identifier: MIT
// A name and a password in the field Authorization: "Basic", RFC 7617.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <grove/http/request.hpp>

namespace grove::http {

// The value of Authorization, or of Proxy-Authorization, for a client to send. The field is as good
// as the password: by https only. std::invalid_argument for a user with a colon, and for control
// characters.
std::string basic_authorization(std::string_view user, std::string_view password);

struct BasicCredentials {
  std::string user, password;
};

// What the field Authorization of a request says; nothing if there is none of this kind, or a
// broken one. To ask for it:
//
//     throw Error(401, "who are you?", {{"WWW-Authenticate", "Basic realm=\"news\""}});
std::optional<BasicCredentials> basic_credentials(const Request& request);

// Whether two texts are the same, in a time that tells nothing but their lengths: for passwords and
// tokens.
bool equals_in_constant_time(std::string_view a, std::string_view b) noexcept;

} // namespace grove::http
