// SPDX-License-Identifier: MIT
// PROXY protocol: what a header looks like, and taking it off a stream.
// https://www.haproxy.org/download/2.8/doc/proxy-protocol.txt
#include <grove/net/proxy_protocol.hpp>

#include <arpa/inet.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>

#include <grove/hub/exceptions.hpp>

namespace grove::net {

namespace {

using Reason = ProxyError::Reason;
using std::string_view_literals::operator""sv;

constexpr std::string_view signature1 = "PROXY "sv;
constexpr std::string_view signature2 = "\r\n\r\n\0\r\nQUIT\n"sv;
constexpr std::size_t max_size1 = 107;
constexpr std::size_t head_size2 = 16;
constexpr std::size_t unix_size = 108;

// Fields of version 2 that are about the header itself.
constexpr std::uint8_t type_checksum = 3;
constexpr std::uint8_t type_padding = 4;

[[noreturn]] void refuse(Reason reason, const std::string& text) {
  throw ProxyError(reason, "PROXY header: " + text);
}
[[noreturn]] void malformed(const std::string& text) { refuse(Reason::malformed, text); }

unsigned byte_at(std::string_view bytes, std::size_t i) {
  return static_cast<unsigned char>(bytes[i]);
}
std::uint16_t number_at(std::string_view bytes, std::size_t i) {
  return static_cast<std::uint16_t>(byte_at(bytes, i) << 8U | byte_at(bytes, i + 1));
}
void put_number(std::string& to, std::size_t number) {
  to += static_cast<char>(number >> 8U & 0xffU);
  to += static_cast<char>(number & 0xffU);
}

// CRC-32C, bit by bit: a header is short.
std::uint32_t checksum(std::string_view bytes) {
  std::uint32_t crc = ~0U;
  for (const char c : bytes) {
    crc ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit)
      crc = crc >> 1U ^ ((crc & 1U) != 0 ? 0x82f63b78U : 0U);
  }
  return ~crc;
}

// -- version 1 -----------------------------------------------------------------------------------

// Up to the next space, which is taken, too.
std::string_view next_word(std::string_view& text, bool last) {
  const std::size_t space = text.find(' ');
  if (last != (space == std::string_view::npos))
    malformed("it has not the six words of version 1");
  const std::string_view word = text.substr(0, space);
  text.remove_prefix(last ? text.size() : space + 1);
  return word;
}

std::uint16_t port_of(std::string_view text) {
  unsigned port = 0;
  bool good = !text.empty() && text.size() <= 5 && (text.size() == 1 || text[0] != '0');
  for (const char c : text) {
    good = good && c >= '0' && c <= '9';
    port = port * 10 + static_cast<unsigned>(c - '0');
  }
  if (!good || port > 0xffff)
    malformed("no port: '" + std::string(text) + "'");
  return static_cast<std::uint16_t>(port);
}

Address ip_of(std::string_view text, int family, std::uint16_t port) {
  if (text.find('%') == std::string_view::npos) {
    try {
      const Address address = Address::ip(text, port);
      if (address.family() == family)
        return address;
    } catch (const std::invalid_argument&) {
    }
  }
  malformed("no address of that kind: '" + std::string(text) + "'");
}

ProxyHeader parse1(std::string_view text) {
  if (text.size() > max_size1)
    refuse(Reason::too_long, "more than 107 bytes");
  if (text.find_first_of("\r\n") != text.size() - 2 || !text.ends_with("\r\n"))
    malformed("version 1 is one line that ends with CR LF");
  text.remove_suffix(2);
  text.remove_prefix(signature1.size());
  ProxyHeader header;
  header.version = 1;
  if (text == "UNKNOWN" || text.starts_with("UNKNOWN "))
    return header;
  const std::string_view kind = next_word(text, false);
  if (kind != "TCP4" && kind != "TCP6")
    malformed("neither TCP4, TCP6 nor UNKNOWN");
  const std::string_view source = next_word(text, false);
  const std::string_view destination = next_word(text, false);
  const std::uint16_t source_port = port_of(next_word(text, false));
  const std::uint16_t destination_port = port_of(next_word(text, true));
  const int family = kind == "TCP4" ? AF_INET : AF_INET6;
  header.source = ip_of(source, family, source_port);
  header.destination = ip_of(destination, family, destination_port);
  return header;
}

std::string encode1(const ProxyHeader& header) {
  if (header.datagram || !header.fields.empty() || header.source.is_unix())
    throw std::invalid_argument("grove: PROXY header: version 1 is for TCP, and has no fields");
  if (header.source.family() == AF_UNSPEC)
    return "PROXY UNKNOWN\r\n";
  const auto host = [](const Address& address) {
    const std::string text = address.host();
    return text.substr(0, text.find('%')); // a scope is no matter of the other host's
  };
  return std::string(signature1) + (header.source.family() == AF_INET ? "TCP4 " : "TCP6 ") +
         host(header.source) + " " + host(header.destination) + " " +
         std::to_string(header.source.port()) + " " + std::to_string(header.destination.port()) +
         "\r\n";
}

// -- version 2 -----------------------------------------------------------------------------------

// Address and port as the header has them, in the order of the network.
Address ip_at(std::string_view bytes, std::size_t at, std::size_t port_at, int family) {
  sockaddr_in6 six{};
  sockaddr_in four{};
  if (family == AF_INET) {
    four.sin_family = AF_INET;
    std::memcpy(&four.sin_addr, bytes.data() + at, sizeof four.sin_addr);
    four.sin_port = htons(number_at(bytes, port_at));
    return Address::from(reinterpret_cast<const sockaddr*>(&four), sizeof four);
  }
  six.sin6_family = AF_INET6;
  std::memcpy(&six.sin6_addr, bytes.data() + at, sizeof six.sin6_addr);
  six.sin6_port = htons(number_at(bytes, port_at));
  return Address::from(reinterpret_cast<const sockaddr*>(&six), sizeof six);
}

// A path ends at its NUL; an abstract name begins with one, and all at the end are padding.
Address unix_of(std::string_view bytes) {
  const std::size_t end = bytes[0] != '\0' ? bytes.find('\0') : bytes.find_last_not_of('\0') + 1;
  const std::size_t size = std::min(end, bytes.size());
  if (size == bytes.size() || bytes[0] == '@') // an Address would be another's
    malformed("a Unix address that is too long, or a path that begins with '@'");
  sockaddr_un local{};
  local.sun_family = AF_UNIX;
  std::memcpy(static_cast<char*>(local.sun_path), bytes.data(), size);
  return Address::from(reinterpret_cast<const sockaddr*>(&local),
                       static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + size));
}

void check_sum(std::string_view whole, std::size_t at) {
  std::uint32_t said = 0;
  for (std::size_t i = 0; i < 4; ++i)
    said = said << 8U | byte_at(whole, at + i);
  std::string without(whole);
  std::fill_n(without.begin() + static_cast<std::ptrdiff_t>(at), 4, '\0');
  if (checksum(without) != said)
    refuse(Reason::bad_checksum, "the checksum does not fit");
}

std::vector<ProxyHeader::Field> fields_of(std::string_view whole, std::size_t at) {
  std::vector<ProxyHeader::Field> fields;
  bool summed = false;
  while (at < whole.size()) {
    if (whole.size() - at < 3)
      malformed("a field that is cut off");
    const auto type = static_cast<std::uint8_t>(byte_at(whole, at));
    const std::size_t size = number_at(whole, at + 1);
    at += 3;
    if (size > whole.size() - at)
      malformed("a field of " + std::to_string(size) + " bytes that is cut off");
    if (type == type_checksum) {
      if (size != 4 || summed)
        malformed("a checksum that is none, or two");
      check_sum(whole, at);
      summed = true;
    } else if (type != type_padding) {
      fields.push_back({type, std::string(whole.substr(at, size))});
    }
    at += size;
  }
  return fields;
}

ProxyHeader parse2(std::string_view whole) {
  if (whole.size() < head_size2 || whole.size() - head_size2 != number_at(whole, 14))
    malformed("its length is not what it says");
  const unsigned command = byte_at(whole, 12);
  const unsigned kind = byte_at(whole, 13);
  if (command != 0x20 && command != 0x21)
    malformed("a version or command that is unknown: " + std::to_string(command));
  ProxyHeader header;
  if (command == 0x20) // LOCAL: whatever else it says is to be ignored
    return header;
  const std::string_view rest = whole.substr(head_size2);
  const auto need = [&](std::size_t size) {
    if (rest.size() < size)
      malformed("addresses that are cut off");
    return head_size2 + size;
  };
  std::size_t fields_at = 0;
  switch (kind) {
  case 0x00: // addresses of a kind that cannot be told: their length is unknown
    return header;
  case 0x11:
  case 0x12:
    fields_at = need(12);
    header.source = ip_at(rest, 0, 8, AF_INET);
    header.destination = ip_at(rest, 4, 10, AF_INET);
    break;
  case 0x21:
  case 0x22:
    fields_at = need(36);
    header.source = ip_at(rest, 0, 32, AF_INET6);
    header.destination = ip_at(rest, 16, 34, AF_INET6);
    break;
  case 0x31:
  case 0x32:
    fields_at = need(2 * unix_size);
    header.source = unix_of(rest.substr(0, unix_size));
    header.destination = unix_of(rest.substr(unix_size, unix_size));
    break;
  default:
    malformed("a kind of addresses that is unknown: " + std::to_string(kind));
  }
  header.datagram = (kind & 0xfU) == 2;
  header.fields = fields_of(whole, fields_at);
  return header;
}

void put_addresses(std::string& to, const ProxyHeader& header) {
  const std::array<const Address*, 2> both{&header.source, &header.destination};
  for (const Address* address : both) {
    if (address->is_unix()) {
      const auto* local = reinterpret_cast<const sockaddr_un*>(address->data());
      std::string path(static_cast<const char*>(local->sun_path),
                       address->size() - offsetof(sockaddr_un, sun_path));
      path.resize(unix_size, '\0');
      to += path;
    } else if (address->family() == AF_INET) {
      const auto* four = reinterpret_cast<const sockaddr_in*>(address->data());
      to.append(reinterpret_cast<const char*>(&four->sin_addr), sizeof four->sin_addr);
    } else {
      const auto* six = reinterpret_cast<const sockaddr_in6*>(address->data());
      to.append(reinterpret_cast<const char*>(&six->sin6_addr), sizeof six->sin6_addr);
    }
  }
  if (header.source.is_ip()) {
    for (const Address* address : both)
      put_number(to, address->port());
  }
}

std::string encode2(const ProxyHeader& header) {
  std::string body;
  unsigned kind = 0;
  if (header.source.family() != AF_UNSPEC) {
    kind = header.source.family() == AF_INET ? 0x10 : header.source.is_unix() ? 0x30 : 0x20;
    kind |= header.datagram ? 2U : 1U;
    put_addresses(body, header);
  } else if (!header.fields.empty() || header.datagram) {
    throw std::invalid_argument("grove: PROXY header: fields without addresses");
  }
  for (const ProxyHeader::Field& field : header.fields) {
    if (field.type == type_checksum || field.type == type_padding || field.value.size() > 0xffff)
      throw std::invalid_argument("grove: PROXY header: field " + std::to_string(field.type) +
                                  " of " + std::to_string(field.value.size()) + " bytes");
    body += static_cast<char>(field.type);
    put_number(body, field.value.size());
    body += field.value;
  }
  if (kind != 0)
    body += "\3\0\4\0\0\0\0"sv;
  if (body.size() > 0xffff)
    throw std::invalid_argument("grove: PROXY header: " + std::to_string(body.size()) + " bytes");
  std::string whole(signature2);
  whole += static_cast<char>(kind == 0 ? 0x20 : 0x21);
  whole += static_cast<char>(kind);
  put_number(whole, body.size());
  whole += body;
  if (kind != 0) {
    const std::uint32_t sum = checksum(whole);
    whole.resize(whole.size() - 4);
    put_number(whole, sum >> 16U);
    put_number(whole, sum & 0xffffU);
  }
  return whole;
}

// -- off a stream --------------------------------------------------------------------------------

// How many bytes at least are missing from what may be the beginning of a header.
std::size_t missing(std::string_view text) {
  if (text.size() < std::min(signature1.size(), signature2.size()) || text[0] != 'P') {
    if (text.size() < head_size2)
      return text.empty() || text[0] == 'P' ? 15 - text.size() : head_size2 - text.size();
    return head_size2 + number_at(text, 14) - text.size();
  }
  if (text.find('\n') != std::string_view::npos)
    return 0;
  if (text.ends_with('\r'))
    return 1;
  if (text.size() < 15) // the shortest: "PROXY UNKNOWN\r\n"
    return 15 - text.size();
  const auto spaces = static_cast<std::size_t>(std::ranges::count(text, ' '));
  if (spaces >= 5 || text.starts_with("PROXY UNKNOWN"))
    return 2;
  return 2 * (5 - spaces) + 2; // each word has one byte, and a space before it
}

} // namespace

ProxyHeader ProxyHeader::parse(std::string_view whole) {
  if (whole.starts_with(signature1))
    return parse1(whole);
  if (whole.starts_with(signature2))
    return parse2(whole);
  refuse(Reason::not_proxy, "it begins with something else");
}

std::string ProxyHeader::encode() const {
  if (source.family() != destination.family())
    throw std::invalid_argument("grove: PROXY header: addresses of two kinds");
  if (version != 1 && version != 2)
    throw std::invalid_argument("grove: PROXY header: version " + std::to_string(version));
  return version == 1 ? encode1(*this) : encode2(*this);
}

ProxyHeader read_proxy_header(Stream& stream, Deadline deadline, std::size_t limit) {
  std::string text;
  while (const std::size_t wanted = missing(text)) {
    const std::size_t had = text.size();
    if (had >= head_size2 && text[0] != 'P' && had + wanted > limit)
      refuse(Reason::too_long, std::to_string(had + wanted) + " bytes, of " + stream.name());
    if (text[0] == 'P' && had + wanted > max_size1)
      refuse(Reason::too_long, "more than 107 bytes, of " + stream.name());
    text.resize(had + wanted);
    const std::size_t count = stream.recv_into(std::span(text).subspan(had), deadline);
    text.resize(had + count);
    if (count == 0) {
      throw Closed("PROXY header: " + stream.name() + " ended after " + std::to_string(had) +
                   " bytes");
    }
    const auto may_become = [&](std::string_view signature) {
      const std::size_t size = std::min(text.size(), signature.size());
      return text.compare(0, size, signature, 0, size) == 0;
    };
    if (!may_become(signature1) && !may_become(signature2))
      refuse(Reason::not_proxy, stream.name() + " begins with something else");
  }
  return ProxyHeader::parse(text);
}

} // namespace grove::net
