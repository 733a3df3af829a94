// SPDX-License-Identifier: MIT
// Any bytes, cut into frames, as a request for authentication and as an event of a monitor; any
// text as a file of keys, as an address and as Z85: each is read or refused, and what was read is
// what it says.
#include <cstdint>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <string_view>

#include <grove/zmq/curve.hpp>
#include <grove/zmq/z85.hpp>

#include "access_table.hpp"
#include "certificate_text.hpp"
#include "monitor_frames.hpp"
#include "zap.hpp"

namespace {

namespace zmq = grove::zmq;
using namespace zmq::detail;

void demand(bool condition) {
  if (!condition)
    std::abort();
}

// Each frame begins with its length, in one byte.
zmq::Multipart frames_of(std::string_view bytes) {
  zmq::Multipart frames;
  while (!bytes.empty() && frames.size() < 16) {
    const auto length = static_cast<unsigned char>(bytes.front());
    const std::string_view frame = bytes.substr(1, length);
    frames.emplace_back(frame);
    bytes.remove_prefix(1 + frame.size());
  }
  return frames;
}

void zap(std::string_view bytes) {
  AccessTable table;
  table.keys.emplace(std::string(40, '0'), "somebody");
  table.passwords.emplace("user", Secret("password"));
  table.denied.push_back(*AddressRange::parse("10.0.0.0/8"));
  ZapRequest parsed = parse_zap_request(frames_of(bytes));
  if (parsed.request) {
    const zmq::AuthRequest& request = *parsed.request;
    demand(parsed.reply_to.has_value());
    demand(request.mechanism != "CURVE" || zmq::is_curve_key(request.public_key));
    std::string user;
    if (table.judge(request, user) == Verdict::allowed)
      demand(user == "somebody" || (user == "user" && request.password == "password"));
  }
  if (parsed.reply_to)
    demand(zap_reply(*std::move(parsed.reply_to), ZapStatus::denied).size() == 8);
}

void certificate(std::string_view text) {
  try {
    const CertificateText parsed = parse_certificate(text);
    demand(zmq::is_curve_key(parsed.public_key));
    demand(!parsed.secret_key || zmq::is_curve_key(parsed.secret_key->view()));
    const Secret again = certificate_text(parsed.public_key, std::nullopt, {});
    demand(parse_certificate(again.view()).public_key == parsed.public_key);
  } catch (const CertificateTextError&) {
  }
}

void z85(std::string_view text) {
  try {
    demand(zmq::z85_encode(zmq::z85_decode(text)) == text);
  } catch (const std::invalid_argument&) {
  }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0)
    return 0;
  const std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 5) {
  case 0:
    zap(rest);
    break;
  case 1:
    if (const auto event = parse_monitor_frames(frames_of(rest)))
      demand(std::string_view(name_of(event->kind)) != "");
    break;
  case 2:
    certificate(rest);
    break;
  case 3:
    if (const auto range = AddressRange::parse(rest))
      demand(range->contains(*parse_address(rest.substr(0, rest.find('/')))));
    break;
  default:
    z85(rest);
  }
  return 0;
}
