// SPDX-License-Identifier: MIT
// getaddrinfo(3).
#include <netdb.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <new>

#include "resolver_state.hpp"

namespace grove::net::detail {

namespace {

ResolveError::Reason reason_of(int error) {
  switch (error) {
  case EAI_NONAME:
    return ResolveError::Reason::no_such_name;
#ifdef EAI_NODATA
  case EAI_NODATA:
    return ResolveError::Reason::no_address;
#endif
  default:
    return ResolveError::Reason::server_failed;
  }
}

} // namespace

Answer ask_the_system(const std::string& name) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM; // each address once
  addrinfo* first = nullptr;
  const int error = getaddrinfo(name.c_str(), nullptr, &hints, &first);
  Answer answer;
  if (error == EAI_MEMORY)
    throw std::bad_alloc();
  if (error != 0) {
    answer.failure = reason_of(error);
    answer.asked = std::string("getaddrinfo: ") +
                   (error == EAI_SYSTEM ? std::strerror(errno) : gai_strerror(error));
    return answer;
  }
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(first, freeaddrinfo);
  for (const addrinfo* one = first; one != nullptr; one = one->ai_next)
    answer.addresses.push_back(Address::from(one->ai_addr, one->ai_addrlen));
  return answer;
}

} // namespace grove::net::detail
