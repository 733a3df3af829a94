// SPDX-License-Identifier: MIT
// DNS messages as a server writes them.
#pragma once

#include <arpa/inet.h>

#include <algorithm>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace grove::test::dns {

using Bytes = std::string;
enum Type : unsigned { a = 1, cname = 5, soa = 6, aaaa = 28, srv = 33 };
enum Code : unsigned { ok = 0, servfail = 2, no_such_name = 3, notimp = 4, refused = 5 };

inline Bytes number(std::uint64_t value, int bytes) {
  Bytes all;
  for (int i = bytes - 1; i >= 0; --i)
    all += static_cast<char>(value >> (8 * i) & 0xff);
  return all;
}
inline Bytes name(std::string_view text) {
  Bytes all;
  while (!text.empty()) {
    const auto label = text.substr(0, text.find('.'));
    all += static_cast<char>(label.size());
    all += label;
    text.remove_prefix(std::min(label.size() + 1, text.size()));
  }
  return all + '\0';
}
inline Bytes record(std::string_view owner, Type type, std::uint32_t ttl, const Bytes& data) {
  return name(owner) + number(type, 2) + number(1, 2) + number(ttl, 4) + number(data.size(), 2) +
         data;
}
inline Bytes address(const std::string& text) {
  char raw[16];
  const bool ipv6 = text.find(':') != std::string::npos;
  if (inet_pton(ipv6 ? AF_INET6 : AF_INET, text.c_str(), raw) != 1)
    throw std::invalid_argument(text);
  return {raw, ipv6 ? 16U : 4U};
}
inline Bytes no_record(std::uint32_t ttl, std::uint32_t minimum) { // SOA
  return record("example", soa, ttl,
                name("ns.example") + name("root.example") + number(1, 4) + number(3600, 4) +
                    number(600, 4) + number(86400, 4) + number(minimum, 4));
}

struct Question {
  std::uint16_t id = 0;
  std::string name;
  unsigned type = 0;
  bool tcp = false;
  Bytes section; // as it came
};

// False if it is none.
inline bool read_question(const Bytes& packet, Question& q) {
  if (packet.size() < 17)
    return false;
  const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(packet.at(at)); };
  q.id = static_cast<std::uint16_t>(byte(0) << 8 | byte(1));
  std::size_t at = 12;
  while (byte(at) != 0) {
    if (!q.name.empty())
      q.name += '.';
    q.name += packet.substr(at + 1, byte(at));
    at += byte(at) + 1U;
  }
  q.type = static_cast<unsigned>(byte(at + 1) << 8 | byte(at + 2));
  q.section = packet.substr(12, at + 5 - 12);
  return true;
}

struct Answer {
  unsigned code = ok;
  bool truncated = false;
  std::vector<Bytes> answers{};
  std::vector<Bytes> authority{};

  Bytes to(const Question& q) const {
    Bytes all = number(q.id, 2) + number(0x8180U | code | (truncated ? 0x0200U : 0U), 2) +
                number(1, 2) + number(answers.size(), 2) + number(authority.size(), 2) +
                number(0, 2) + q.section;
    for (const auto* section : {&answers, &authority}) {
      for (const Bytes& one : *section)
        all += one;
    }
    return all;
  }
};

} // namespace grove::test::dns
