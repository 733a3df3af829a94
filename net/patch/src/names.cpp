// SPDX-License-Identifier: MIT
// getaddrinfo, getnameinfo: as a whole on the thread pool, unless there is nothing to look up.
#include <arpa/inet.h>
#include <netdb.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <string>

#include "green.hpp"
#include "names.hpp"
#include "on_thread.hpp"

namespace grove::patch {

bool is_address(const char* name) {
  in6_addr address;
  return inet_pton(AF_INET, name, &address) == 1 || inet_pton(AF_INET6, name, &address) == 1;
}

namespace {

std::optional<std::string> copy_of(const char* text) {
  return text == nullptr ? std::nullopt : std::optional<std::string>(text);
}
const char* text_of(const std::optional<std::string>& text) {
  return text ? text->c_str() : nullptr;
}

struct AddressQuery {
  std::optional<std::string> node, service;
  std::optional<addrinfo> hints;
  addrinfo* found = nullptr;
  int result = EAI_SYSTEM;
  int error = 0;

  AddressQuery(const char* n, const char* s, const addrinfo* h)
      : node(copy_of(n)), service(copy_of(s)) {
    if (h != nullptr)
      hints = *h;
  }
  AddressQuery(const AddressQuery&) = delete;
  AddressQuery& operator=(const AddressQuery&) = delete;
  ~AddressQuery() {
    if (found != nullptr) // whoever asked has gone
      freeaddrinfo(found);
  }
  void run() {
    result =
        GROVE_REAL(getaddrinfo)(text_of(node), text_of(service), hints ? &*hints : nullptr, &found);
    error = errno;
  }
};

struct NameQuery {
  sockaddr_storage address{};
  socklen_t length;
  int flags;
  std::string host, service;
  int result = EAI_SYSTEM;
  int error = 0;

  NameQuery(const sockaddr* a, socklen_t size, socklen_t host_size, socklen_t service_size, int f)
      : length(std::min<socklen_t>(size, sizeof address)), flags(f), host(host_size, '\0'),
        service(service_size, '\0') {
    std::memcpy(&address, a, length);
  }
  void run() {
    result = GROVE_REAL(getnameinfo)(
        reinterpret_cast<sockaddr*>(&address), length, host.empty() ? nullptr : host.data(),
        static_cast<socklen_t>(host.size()), service.empty() ? nullptr : service.data(),
        static_cast<socklen_t>(service.size()), flags);
    error = errno;
  }
};

void copy_to(char* to, socklen_t room, const std::string& text) {
  if (to != nullptr && room != 0)
    std::memcpy(to, text.c_str(), std::min<std::size_t>(room, std::strlen(text.c_str()) + 1));
}

} // namespace

GROVE_HOOK(int, getaddrinfo,
           (const char* node, const char* service, const addrinfo* hints, addrinfo** found)) {
  GROVE_COUNT(getaddrinfo);
  const bool known =
      node == nullptr || (hints != nullptr && (hints->ai_flags & AI_NUMERICHOST) != 0);
  if (known || !green(names) || is_address(node) || in_vforked_child())
    return GROVE_REAL(getaddrinfo)(node, service, hints, found);
  const int before = errno;
  try {
    const auto query = std::make_shared<AddressQuery>(node, service, hints);
    if (!on_thread(Id::getaddrinfo, query, [](AddressQuery& q) { q.run(); }))
      return EAI_SYSTEM;
    errno = query->result == EAI_SYSTEM ? query->error : before;
    if (query->result == 0)
      *found = std::exchange(query->found, nullptr);
    return query->result;
  } catch (const std::bad_alloc&) {
    return EAI_MEMORY;
  }
}

GROVE_HOOK(int, getnameinfo,
           (const sockaddr* address, socklen_t length, char* host, socklen_t host_size,
            char* service, socklen_t service_size, int flags)) {
  GROVE_COUNT(getnameinfo);
  const bool known = address == nullptr || host == nullptr || (flags & NI_NUMERICHOST) != 0;
  if (known || !green(names) || in_vforked_child()) {
    return GROVE_REAL(getnameinfo)(address, length, host, host_size, service, service_size, flags);
  }
  const int before = errno;
  try {
    const auto query = std::make_shared<NameQuery>(address, length, host_size,
                                                   service == nullptr ? 0 : service_size, flags);
    if (!on_thread(Id::getnameinfo, query, [](NameQuery& q) { q.run(); }))
      return EAI_SYSTEM;
    errno = query->result == EAI_SYSTEM ? query->error : before;
    if (query->result == 0) {
      copy_to(host, host_size, query->host);
      copy_to(service, service_size, query->service);
    }
    return query->result;
  } catch (const std::bad_alloc&) {
    return EAI_MEMORY;
  }
}

} // namespace grove::patch
