// SPDX-License-Identifier: MIT
// The frames of ZAP 1.0 (RFC 27), as a ROUTER sees them.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <grove/zmq/authenticator.hpp>
#include <grove/zmq/detail/secret.hpp>
#include <grove/zmq/message.hpp>

namespace grove::zmq::detail {

enum class ZapStatus : std::uint16_t { ok = 200, temporary = 300, denied = 400, internal = 500 };

// Where a reply goes, and to which question.
struct ZapReturn {
  Message peer; // its routing id
  Message request_id;
};

// A request stays where it was made, as a short password would leave copies behind when it moves;
// and is wiped there.
struct WipeAndDelete {
  void operator()(AuthRequest* request) const noexcept {
    wipe(request->password);
    delete request;
  }
};
using AuthRequestPtr = std::unique_ptr<AuthRequest, WipeAndDelete>;

struct ZapRequest {
  // Nothing if not even a refusal can be sent.
  std::optional<ZapReturn> reply_to;
  // Nothing if it is malformed: an envelope, a version other than 1.0, too many frames, too long
  // ones, credentials that are not those of the mechanism.
  AuthRequestPtr request;
};

// Takes the frames over.
ZapRequest parse_zap_request(Multipart&& frames);

// The user's name is sent along with `ok` only.
Multipart zap_reply(ZapReturn&& to, ZapStatus status, std::string_view user_id = {});

} // namespace grove::zmq::detail
