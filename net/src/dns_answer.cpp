// SPDX-License-Identifier: MIT
// c-ares reads addresses and services, and guards against pointers in circles; what it does not
// give, the times to live, is read here.
#include "dns_answer.hpp"

#include <ares.h>
#include <arpa/inet.h>

#include <algorithm>
#include <limits>
#include <memory>

namespace grove::net::detail {

namespace {

using Reason = ResolveError::Reason;
using Packet = std::span<const unsigned char>;

constexpr std::size_t header_size = 12;
constexpr std::size_t question_tail = 4; // type and class
constexpr std::size_t record_head = 10;  // type, class, TTL and length
constexpr unsigned type_soa = 6;
constexpr int most_records = 1000; // c-ares takes time in the square of their number

// Reads the records of a message, one after the other.
class Records {
public:
  explicit Records(Packet packet) : packet_(packet), bad_(packet.size() < header_size) {
    if (bad_)
      return;
    at_ = header_size;
    for (unsigned i = number(4, 2); i > 0 && !bad_; --i) {
      skip_name();
      skip(question_tail);
    }
    answers_ = number(6, 2);
    authorities_ = number(8, 2);
  }

  // The next of the answer and authority sections. False at the end, or where it makes no sense.
  bool next() {
    if (bad_ || (answers_ == 0 && authorities_ == 0))
      return false;
    in_answer_ = answers_ != 0;
    --(in_answer_ ? answers_ : authorities_);
    skip_name();
    head_ = at_;
    skip(record_head);
    if (bad_)
      return false;
    data_ = at_;
    skip(number(head_ + 8, 2));
    return !bad_;
  }
  bool in_answer() const { return in_answer_; }
  unsigned type() const { return number(head_, 2); }
  std::uint32_t ttl() const { return to_ttl(number(head_ + 4, 4)); }
  // Of an SOA record: how long a "no" of its zone holds.
  std::optional<std::uint32_t> negative_ttl() const {
    if (at_ - data_ < 22) // two names of at least one byte, five numbers
      return std::nullopt;
    return std::min(ttl(), to_ttl(number(at_ - 4, 4)));
  }

private:
  static std::uint32_t to_ttl(std::uint32_t seconds) { // RFC 2181: with the top bit set, zero
    return seconds > std::uint32_t{std::numeric_limits<std::int32_t>::max()} ? 0 : seconds;
  }
  std::uint32_t number(std::size_t at, std::size_t bytes) const {
    std::uint32_t value = 0;
    for (const unsigned char byte : packet_.subspan(at, bytes))
      value = value << 8 | byte;
    return value;
  }
  void skip(std::size_t bytes) {
    if (bad_ || packet_.size() - at_ < bytes)
      bad_ = true;
    else
      at_ += bytes;
  }
  void skip_name() {
    char* name = nullptr;
    long length = 0;
    if (bad_ || at_ >= packet_.size() ||
        ares_expand_name(packet_.data() + at_, packet_.data(), static_cast<int>(packet_.size()),
                         &name, &length) != ARES_SUCCESS) {
      bad_ = true;
      return;
    }
    ares_free_string(name);
    skip(static_cast<std::size_t>(length));
  }

  Packet packet_;
  std::size_t at_ = 0, head_ = 0, data_ = 0;
  unsigned answers_ = 0, authorities_ = 0;
  bool in_answer_ = false;
  bool bad_;
};

std::optional<std::uint32_t> ttl_of(Packet packet, bool negative) {
  std::optional<std::uint32_t> least;
  for (Records records(packet); records.next();) {
    std::optional<std::uint32_t> ttl;
    if (!negative && records.in_answer())
      ttl = records.ttl();
    else if (negative && !records.in_answer() && records.type() == type_soa)
      ttl = records.negative_ttl();
    if (ttl && (!least || *ttl < *least))
      least = ttl;
  }
  return least;
}

template <class Raw>
Address to_address(const Raw& raw) {
  return Address::from(reinterpret_cast<const sockaddr*>(&raw), sizeof raw);
}

int read_ipv4(Packet packet, std::vector<Address>& into) {
  ares_addrttl found[most_addresses];
  int count = most_addresses;
  const int status =
      ares_parse_a_reply(packet.data(), static_cast<int>(packet.size()), nullptr, found, &count);
  for (int i = 0; status == ARES_SUCCESS && i < count; ++i) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr = found[i].ipaddr;
    into.push_back(to_address(address));
  }
  return status;
}

int read_ipv6(Packet packet, std::vector<Address>& into) {
  ares_addr6ttl found[most_addresses];
  int count = most_addresses;
  const int status =
      ares_parse_aaaa_reply(packet.data(), static_cast<int>(packet.size()), nullptr, found, &count);
  for (int i = 0; status == ARES_SUCCESS && i < count; ++i) {
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    static_assert(sizeof found[i].ip6addr == sizeof address.sin6_addr);
    std::copy_n(reinterpret_cast<const unsigned char*>(&found[i].ip6addr), sizeof address.sin6_addr,
                address.sin6_addr.s6_addr);
    into.push_back(to_address(address));
  }
  return status;
}

int read_services(Packet packet, std::vector<Service>& into) {
  ares_srv_reply* first = nullptr;
  const int status = ares_parse_srv_reply(packet.data(), static_cast<int>(packet.size()), &first);
  const std::unique_ptr<ares_srv_reply, void (*)(void*)> owner(first, ares_free_data);
  for (const ares_srv_reply* one = first; one != nullptr && into.size() < most_addresses;
       one = one->next) {
    if (one->host[0] != '\0') // ".": decidedly not at this domain (RFC 2782)
      into.push_back({one->host, one->port, one->priority, one->weight});
  }
  return status;
}

Reply failed(Reason reason, const char* words) {
  Reply reply;
  reply.failure = reason;
  reply.words = words;
  return reply;
}

Reply no(Reason reason, Packet packet) {
  Reply reply = failed(reason, "");
  reply.ttl = ttl_of(packet, true);
  return reply;
}

} // namespace

Reply read_reply(int status, RecordType type, Packet packet) {
  switch (status) {
  case ARES_SUCCESS:
    break;
  case ARES_ENOTFOUND:
    return no(Reason::no_such_name, packet);
  case ARES_ENODATA:
    return no(Reason::no_address, packet);
  case ARES_EREFUSED:
    return failed(Reason::refused, "REFUSED");
  case ARES_ESERVFAIL:
    return failed(Reason::server_failed, "SERVFAIL");
  case ARES_EFORMERR:
    return failed(Reason::server_failed, "FORMERR");
  case ARES_ENOTIMP:
    return failed(Reason::server_failed, "NOTIMP");
  case ARES_ETIMEOUT:
    return failed(Reason::server_failed, "no answer");
  case ARES_ECONNREFUSED:
    return failed(Reason::server_failed, "cannot be reached");
  case ARES_EBADNAME:
    return failed(Reason::bad_name, "");
  default:
    return failed(Reason::server_failed, ares_strerror(status));
  }
  if (packet.size() < header_size || (packet[3] & 0xfU) != 0) // an rcode that c-ares lets pass
    return failed(Reason::server_failed, "an error without a name");

  if ((packet[6] << 8 | packet[7]) > most_records)
    return failed(Reason::bad_answer, "an answer of too many records");

  Reply reply;
  const int parsed = type == RecordType::srv    ? read_services(packet, reply.services)
                     : type == RecordType::aaaa ? read_ipv6(packet, reply.addresses)
                                                : read_ipv4(packet, reply.addresses);
  if (parsed != ARES_SUCCESS && parsed != ARES_ENODATA)
    return failed(Reason::bad_answer, "an answer that makes no sense");
  if (reply.addresses.empty() && reply.services.empty())
    return no(Reason::no_address, packet);
  reply.ttl = ttl_of(packet, false);
  return reply;
}

} // namespace grove::net::detail
