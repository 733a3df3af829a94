// SPDX-License-Identifier: MIT
// Offers of permessage-deflate, and answers to them.
#include "deflate_offer.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>
#include <vector>

#include "grammar.hpp"

namespace grove::http::detail {

namespace {

constexpr std::string_view name_and_resets =
    "permessage-deflate; server_no_context_takeover; client_no_context_takeover";

struct Parameters {
  bool server_resets = false;
  bool client_resets = false;
  std::optional<int> server_bits{};
  std::optional<int> client_bits{};
  bool client_obeys = false; // client_max_window_bits without a number
};

// 8 to 15 in decimal, without a zero in front.
std::optional<int> window_bits(std::string_view value) {
  int number = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (error != std::errc() || end != value.data() + value.size() || value.front() == '0' ||
      number < 8 || number > 15)
    return std::nullopt;
  return number;
}

bool read_parameter(std::string_view text, Parameters& parameters) {
  const auto equals = text.find('=');
  const std::string_view name = trimmed(text.substr(0, equals));
  const auto flag = [&](bool& is) {
    return equals == std::string_view::npos && !is && (is = true);
  };
  if (name == "server_no_context_takeover")
    return flag(parameters.server_resets);
  if (name == "client_no_context_takeover")
    return flag(parameters.client_resets);
  if (name != "server_max_window_bits" && name != "client_max_window_bits")
    return false;
  auto& bits = name.front() == 's' ? parameters.server_bits : parameters.client_bits;
  if (bits || (name.front() == 'c' && parameters.client_obeys))
    return false;
  if (equals == std::string_view::npos)
    return name.front() == 'c' && flag(parameters.client_obeys);
  std::string_view value = trimmed(text.substr(equals + 1));
  if (value.size() >= 2 && value.front() == '"' && value.back() == '"')
    value = value.substr(1, value.size() - 2);
  bits = window_bits(value);
  return bits.has_value();
}

// Nothing if it is another extension, or has what is no parameter of it.
std::optional<Parameters> read(std::string_view extension) {
  const auto parts = split(extension, ';');
  Parameters parameters;
  if (parts.front() != "permessage-deflate")
    return std::nullopt;
  for (std::size_t i = 1; i < parts.size(); ++i) {
    if (!read_parameter(parts[i], parameters))
      return std::nullopt;
  }
  return parameters;
}

} // namespace

std::string accept_deflate(const Fields& fields, int bits, Agreement& agreement) {
  const std::string offers = fields.joined("Sec-WebSocket-Extensions");
  for (const std::string_view offer : split(offers, ',')) {
    const auto asked = read(offer);
    if (!asked)
      continue;
    agreement.deflate = true;
    agreement.our_window_bits = std::min(bits, asked->server_bits.value_or(15));
    agreement.their_window_bits = asked->client_bits.value_or(15);
    std::string answer(name_and_resets);
    if (asked->server_bits || bits < 15)
      answer += "; server_max_window_bits=" + std::to_string(agreement.our_window_bits);
    if ((asked->client_obeys || asked->client_bits) && bits < agreement.their_window_bits) {
      agreement.their_window_bits = bits;
      answer += "; client_max_window_bits=" + std::to_string(bits);
    }
    return answer;
  }
  return {};
}

std::string deflate_offer(int bits) {
  std::string offer(name_and_resets);
  offer += "; client_max_window_bits";
  if (bits < 15)
    offer += "=" + std::to_string(bits) + "; server_max_window_bits=" + std::to_string(bits);
  return offer;
}

bool takes_deflate(const Fields& fields, int bits, Agreement& agreement) {
  const auto answer = read(fields.joined("Sec-WebSocket-Extensions"));
  if (!answer || !answer->server_resets || answer->client_obeys)
    return false; // it would count on what it sent before, or says less than it must
  if (answer->server_bits.value_or(15) > bits)
    return false; // more than it was asked for
  agreement.deflate = true;
  agreement.our_window_bits = std::min(bits, answer->client_bits.value_or(15));
  agreement.their_window_bits = answer->server_bits.value_or(15);
  return true;
}

} // namespace grove::http::detail
