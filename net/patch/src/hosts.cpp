// SPDX-License-Identifier: MIT
// gethostbyname and its kin, as a whole on the thread pool. Results lie in memory of the caller's
// (the _r ones), or in the hub's until its next call (the others), as libc has it for a thread.
#include <netdb.h>

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "green.hpp"
#include "names.hpp"
#include "on_thread.hpp"

namespace grove::patch {

namespace {

enum class Key { name, name_of_family, address };

// A lookup into a buffer of its own, which need not go when its caller does.
struct HostQuery {
  Key key;
  std::string text; // or the bytes of the address
  int family;
  std::vector<char> memory;
  std::size_t offset; // as far from alignment as the buffer that it will be copied to
  hostent entry{};
  bool found = false;
  int result = 0; // an errno
  int host_error = 0;

  HostQuery(Key k, std::string t, int f, std::size_t room, const char* like)
      : key(k), text(std::move(t)), family(f), memory(room + alignment),
        offset(reinterpret_cast<std::uintptr_t>(like) % alignment) {}
  char* buffer() { return memory.data() + offset; }
  std::size_t room() const { return memory.size() - alignment; }

  void run() {
    hostent* where = nullptr;
    switch (key) {
    case Key::name:
      result =
          GROVE_REAL(gethostbyname_r)(text.c_str(), &entry, buffer(), room(), &where, &host_error);
      break;
    case Key::name_of_family:
      result = GROVE_REAL(gethostbyname2_r)(text.c_str(), family, &entry, buffer(), room(), &where,
                                            &host_error);
      break;
    case Key::address:
      result = GROVE_REAL(gethostbyaddr_r)(text.data(), static_cast<socklen_t>(text.size()), family,
                                           &entry, buffer(), room(), &where, &host_error);
    }
    found = where != nullptr;
  }
  void run_with_enough_room() {
    for (run(); result == ERANGE && host_error == NETDB_INTERNAL; run())
      memory.resize(2 * memory.size());
  }

private:
  static constexpr std::size_t alignment = 16;
};

// Copies what was found to the caller's memory, and has all pointers follow.
void hand_over(HostQuery& query, hostent* to, char* buffer) {
  const auto moved = [&]<class T>(T* at) {
    const std::ptrdiff_t place = reinterpret_cast<char*>(at) - query.buffer();
    const bool inside =
        at != nullptr && place >= 0 && static_cast<std::size_t>(place) < query.room();
    return inside ? reinterpret_cast<T*>(buffer + place) : at;
  };
  std::memcpy(buffer, query.buffer(), query.room());
  *to = query.entry;
  to->h_name = moved(to->h_name);
  to->h_aliases = moved(to->h_aliases);
  to->h_addr_list = moved(to->h_addr_list);
  for (char** list : {to->h_aliases, to->h_addr_list}) {
    for (char** at = list; at != nullptr && *at != nullptr; ++at)
      *at = moved(*at);
  }
}

int look_up(Id id, Key key, std::string text, int family, hostent* entry, char* buffer,
            std::size_t size, hostent** found, int* host_error) {
  const int before = errno;
  *found = nullptr;
  try {
    const auto query = std::make_shared<HostQuery>(key, std::move(text), family, size, buffer);
    if (!on_thread(id, query, [](HostQuery& q) { q.run(); })) {
      *host_error = NETDB_INTERNAL;
      return errno;
    }
    if (query->found) {
      hand_over(*query, entry, buffer);
      *found = entry;
    }
    errno = before;
    *host_error = query->host_error;
    return query->result;
  } catch (const std::bad_alloc&) {
    *host_error = NETDB_INTERNAL;
    return ENOMEM;
  }
}

hostent* look_up(Id id, Key key, std::string text, int family) {
  thread_local std::shared_ptr<HostQuery> last;
  const int before = errno;
  try {
    const auto query = std::make_shared<HostQuery>(key, std::move(text), family, 1024, nullptr);
    if (!on_thread(id, query, [](HostQuery& q) { q.run_with_enough_room(); })) {
      h_errno = NETDB_INTERNAL;
      return nullptr;
    }
    h_errno = query->host_error;
    errno = before;
    if (!query->found)
      return nullptr;
    last = query;
    return &query->entry;
  } catch (const std::bad_alloc&) {
    h_errno = NETDB_INTERNAL;
    errno = ENOMEM;
    return nullptr;
  }
}

bool may_look_up(const char* name) {
  return green(names) && name != nullptr && !is_address(name) && !in_vforked_child();
}
std::string bytes(const void* address, socklen_t size) {
  return {static_cast<const char*>(address), size};
}

} // namespace

GROVE_HOOK(hostent*, gethostbyname, (const char* name)) {
  GROVE_COUNT(gethostbyname);
  if (!may_look_up(name))
    return GROVE_REAL(gethostbyname)(name);
  return look_up(Id::gethostbyname, Key::name, name, 0);
}

GROVE_HOOK(hostent*, gethostbyname2, (const char* name, int family)) {
  GROVE_COUNT(gethostbyname2);
  if (!may_look_up(name))
    return GROVE_REAL(gethostbyname2)(name, family);
  return look_up(Id::gethostbyname2, Key::name_of_family, name, family);
}

GROVE_HOOK(hostent*, gethostbyaddr, (const void* address, socklen_t size, int family)) {
  GROVE_COUNT(gethostbyaddr);
  if (address == nullptr || !green(names) || in_vforked_child())
    return GROVE_REAL(gethostbyaddr)(address, size, family);
  return look_up(Id::gethostbyaddr, Key::address, bytes(address, size), family);
}

GROVE_HOOK(int, gethostbyname_r,
           (const char* name, hostent* entry, char* buffer, size_t size, hostent** found,
            int* host_error)) {
  GROVE_COUNT(gethostbyname_r);
  if (!may_look_up(name))
    return GROVE_REAL(gethostbyname_r)(name, entry, buffer, size, found, host_error);
  return look_up(Id::gethostbyname_r, Key::name, name, 0, entry, buffer, size, found, host_error);
}

GROVE_HOOK(int, gethostbyname2_r,
           (const char* name, int family, hostent* entry, char* buffer, size_t size,
            hostent** found, int* host_error)) {
  GROVE_COUNT(gethostbyname2_r);
  if (!may_look_up(name))
    return GROVE_REAL(gethostbyname2_r)(name, family, entry, buffer, size, found, host_error);
  return look_up(Id::gethostbyname2_r, Key::name_of_family, name, family, entry, buffer, size,
                 found, host_error);
}

GROVE_HOOK(int, gethostbyaddr_r,
           (const void* address, socklen_t length, int family, hostent* entry, char* buffer,
            size_t size, hostent** found, int* host_error)) {
  GROVE_COUNT(gethostbyaddr_r);
  if (address == nullptr || !green(names) || in_vforked_child()) {
    return GROVE_REAL(gethostbyaddr_r)(address, length, family, entry, buffer, size, found,
                                       host_error);
  }
  return look_up(Id::gethostbyaddr_r, Key::address, bytes(address, length), family, entry, buffer,
                 size, found, host_error);
}

} // namespace grove::patch
