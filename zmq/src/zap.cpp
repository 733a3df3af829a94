// SPDX-License-Identifier: MIT
// Parsing requests, making replies.
#include "zap.hpp"

#include <array>
#include <cstddef>
#include <utility>

#include <grove/zmq/z85.hpp>

namespace grove::zmq::detail {

namespace {

// What is before the credentials: peer, delimiter, version, request id, domain, address, routing
// id, mechanism.
constexpr std::size_t fixed_frames = 8;
// The specification's 255 is for strings of these kinds, too.
constexpr std::size_t longest_text = 255;
constexpr std::size_t curve_key_bytes = 32;

bool read_credentials(const Multipart& frames, AuthRequest& request) {
  const std::size_t count = frames.size() - fixed_frames;
  if (request.mechanism == "NULL")
    return count == 0;
  if (request.mechanism == "PLAIN") {
    if (count != 2 || frames[fixed_frames].size() > longest_text ||
        frames[fixed_frames + 1].size() > longest_text) {
      return false;
    }
    request.user = frames[fixed_frames].text();
    request.password = frames[fixed_frames + 1].text();
    return true;
  }
  if (request.mechanism == "CURVE") {
    if (count != 1 || frames[fixed_frames].size() != curve_key_bytes)
      return false;
    request.public_key = z85_encode(frames[fixed_frames].bytes());
    return true;
  }
  return true; // another mechanism, whose credentials we do not know
}

} // namespace

ZapRequest parse_zap_request(Multipart&& frames) {
  ZapRequest result;
  if (frames.size() < 4 || frames[0].empty() || !frames[1].empty() ||
      frames[3].size() > longest_text) {
    return result;
  }
  bool fits = frames[2].text() == "1.0" && frames.size() >= fixed_frames;
  for (std::size_t i = 4; fits && i < fixed_frames; ++i)
    fits = frames[i].size() <= longest_text;
  if (fits) {
    AuthRequestPtr request(new AuthRequest);
    request->domain = frames[4].text();
    request->address = frames[5].text();
    request->routing_id = frames[6].text();
    request->mechanism = frames[7].text();
    if (read_credentials(frames, *request))
      result.request = std::move(request);
  }
  result.reply_to.emplace(ZapReturn{std::move(frames[0]), std::move(frames[3])});
  return result;
}

Multipart zap_reply(ZapReturn&& to, ZapStatus status, std::string_view user_id) {
  std::string_view text = "OK";
  switch (status) {
  case ZapStatus::ok:
    break;
  case ZapStatus::temporary:
    text = "Try again later";
    break;
  case ZapStatus::denied:
    text = "Access denied";
    break;
  case ZapStatus::internal:
    text = "Internal error";
  }
  if (status != ZapStatus::ok)
    user_id = {};
  return multipart(std::move(to.peer), "", "1.0", std::move(to.request_id),
                   std::to_string(static_cast<unsigned>(status)), text, user_id, "");
}

} // namespace grove::zmq::detail
