// SPDX-License-Identifier: MIT
// The self-test: does every call come here, whoever makes it?
//
// Three looks. What the loader finds under each name must be ours; what the libraries that are
// loaded have been bound to must be ours; and a call of each kind, made here, must be counted.
#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <netdb.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <ctime>
#include <functional>
#include <string>
#include <utility>

#include <grove/patch/patch.hpp>

#include "calls.hpp"

namespace grove::patch {

namespace {

using Faults = std::vector<std::string>;

#ifndef GROVE_PATCH_WRAP

std::string object_of(const void* address) {
  Dl_info info{};
  if (address == nullptr || dladdr(address, &info) == 0 || info.dli_fname == nullptr)
    return "nowhere";
  return info.dli_fname;
}
const void* base_of(const void* address) {
  Dl_info info{};
  return address != nullptr && dladdr(address, &info) != 0 ? info.dli_fbase : nullptr;
}
const void* own_base() { return base_of(&calls); }

void look_at_names(Faults& faults) {
  for (const Call& call : calls) {
    const void* found = dlsym(RTLD_DEFAULT, call.name);
    if (base_of(found) != own_base())
      faults.push_back(std::string(call.name) + "() is that of " + object_of(found));
  }
}

const Call* call_named(const char* name) {
  for (const Call& call : calls) {
    if (std::strcmp(call.name, name) == 0)
      return &call;
  }
  return nullptr;
}

#if defined(__x86_64__)
bool binds_function(unsigned long type) {
  return type == R_X86_64_JUMP_SLOT || type == R_X86_64_GLOB_DAT;
}
#elif defined(__aarch64__)
bool binds_function(unsigned long type) {
  return type == R_AARCH64_JUMP_SLOT || type == R_AARCH64_GLOB_DAT;
}
#else
bool binds_function(unsigned long) { return false; }
#endif

// A loaded object, by its dynamic section.
struct Object {
  const dl_phdr_info& info;
  const ElfW(Sym) * symbols = nullptr;
  const char* strings = nullptr;
  std::pair<const ElfW(Rela)*, std::size_t> tables[2]{};

  explicit Object(const dl_phdr_info& i) : info(i) {
    for (std::size_t n = 0; n < info.dlpi_phnum; ++n) {
      const auto& header = info.dlpi_phdr[n];
      if (header.p_type == PT_DYNAMIC)
        read(reinterpret_cast<const ElfW(Dyn)*>(info.dlpi_addr + header.p_vaddr));
    }
  }
  template <class T>
  const T* at(ElfW(Addr) address) const { // the vdso's are not moved by the loader
    return reinterpret_cast<const T*>(address < info.dlpi_addr ? info.dlpi_addr + address
                                                               : address);
  }
  void read(const ElfW(Dyn) * entry) {
    for (; entry->d_tag != DT_NULL; ++entry) {
      switch (entry->d_tag) {
      case DT_SYMTAB:
        symbols = at<ElfW(Sym)>(entry->d_un.d_ptr);
        break;
      case DT_STRTAB:
        strings = at<char>(entry->d_un.d_ptr);
        break;
      case DT_JMPREL:
        tables[0].first = at<ElfW(Rela)>(entry->d_un.d_ptr);
        break;
      case DT_PLTRELSZ:
        tables[0].second = entry->d_un.d_val / sizeof(ElfW(Rela));
        break;
      case DT_RELA:
        tables[1].first = at<ElfW(Rela)>(entry->d_un.d_ptr);
        break;
      case DT_RELASZ:
        tables[1].second = entry->d_un.d_val / sizeof(ElfW(Rela));
        break;
      default:
        break;
      }
    }
  }
  bool contains(const void* address) const {
    const auto place = reinterpret_cast<ElfW(Addr)>(address);
    for (std::size_t n = 0; n < info.dlpi_phnum; ++n) {
      const auto& header = info.dlpi_phdr[n];
      const auto start = info.dlpi_addr + header.p_vaddr;
      if (header.p_type == PT_LOAD && place >= start && place < start + header.p_memsz)
        return true;
    }
    return false;
  }
};

int look_at_object(dl_phdr_info* info, std::size_t, void* argument) {
  auto& faults = *static_cast<Faults*>(argument);
  const Object object(*info);
  const std::string name = info->dlpi_name != nullptr ? info->dlpi_name : "";
  if (object.symbols == nullptr || object.strings == nullptr ||
      name.find("/libc.so") != std::string::npos || name.find("/ld-linux") != std::string::npos)
    return 0;
  for (const auto& [table, count] : object.tables) {
    for (std::size_t i = 0; table != nullptr && i < count; ++i) {
      const auto& entry = table[i];
      if (!binds_function(ELF64_R_TYPE(entry.r_info)))
        continue;
      const auto& symbol = object.symbols[ELF64_R_SYM(entry.r_info)];
      const Call* call = call_named(object.strings + symbol.st_name);
      if (call == nullptr)
        continue;
      const void* bound = *reinterpret_cast<void* const*>(info->dlpi_addr + entry.r_offset);
      // Not bound before its first call: still at the library's own stub.
      if (bound == nullptr || base_of(bound) == own_base() || object.contains(bound))
        continue;
      faults.push_back(std::string(call->name) + "() of " + (name.empty() ? "the program" : name) +
                       " goes to " + object_of(bound));
    }
  }
  return 0;
}

#endif

// What can be called without doing anything.
void try_calls(Faults& faults) {
  char byte = 0;
  iovec part{&byte, 1};
  msghdr message{};
  mmsghdr messages{};
  pollfd none{-1, 0, 0};
  epoll_event event{};
  timeval no_time{};
  const timespec no_wait{};
  addrinfo hints{};
  hints.ai_flags = AI_NUMERICHOST;
  hostent entry{};
  hostent* found = nullptr;
  int error = 0;
  const auto look_up = [&] {
    addrinfo* list = nullptr;
    if (getaddrinfo("127.0.0.1", nullptr, &hints, &list) == 0)
      freeaddrinfo(list);
  };
  // Returned values say nothing here: the descriptor is none.
  const std::pair<Id, std::function<void()>> tries[] = {
      {Id::connect, [&] { static_cast<void>(connect(-1, nullptr, 0)); }},
      {Id::accept, [&] { static_cast<void>(accept(-1, nullptr, nullptr)); }},
      {Id::accept4, [&] { static_cast<void>(accept4(-1, nullptr, nullptr, 0)); }},
      {Id::read, [&] { error = static_cast<int>(read(-1, &byte, 1)); }},
      {Id::readv, [&] { error = static_cast<int>(readv(-1, &part, 1)); }},
      {Id::recv, [&] { error = static_cast<int>(recv(-1, &byte, 1, 0)); }},
      {Id::recvfrom,
       [&] { error = static_cast<int>(recvfrom(-1, &byte, 1, 0, nullptr, nullptr)); }},
      {Id::recvmsg, [&] { error = static_cast<int>(recvmsg(-1, &message, 0)); }},
      {Id::recvmmsg, [&] { error = recvmmsg(-1, &messages, 1, 0, nullptr); }},
      {Id::write, [&] { error = static_cast<int>(write(-1, &byte, 1)); }},
      {Id::writev, [&] { error = static_cast<int>(writev(-1, &part, 1)); }},
      {Id::send, [&] { error = static_cast<int>(send(-1, &byte, 1, 0)); }},
      {Id::sendto, [&] { error = static_cast<int>(sendto(-1, &byte, 1, 0, nullptr, 0)); }},
      {Id::sendmsg, [&] { error = static_cast<int>(sendmsg(-1, &message, 0)); }},
      {Id::sendmmsg, [&] { error = sendmmsg(-1, &messages, 1, 0); }},
      {Id::poll, [&] { error = poll(&none, 1, 0); }},
      {Id::ppoll, [&] { error = ppoll(&none, 1, &no_wait, nullptr); }},
      {Id::select, [&] { error = select(0, nullptr, nullptr, nullptr, &no_time); }},
      {Id::pselect, [&] { error = pselect(0, nullptr, nullptr, nullptr, &no_wait, nullptr); }},
      {Id::epoll_wait, [&] { error = epoll_wait(-1, &event, 1, 0); }},
      {Id::epoll_pwait, [&] { error = epoll_pwait(-1, &event, 1, 0, nullptr); }},
      {Id::sleep, [&] { error = static_cast<int>(sleep(0)); }},
      {Id::usleep, [&] { error = usleep(0); }},
      {Id::nanosleep, [&] { error = nanosleep(&no_wait, nullptr); }},
      {Id::clock_nanosleep,
       [&] { error = clock_nanosleep(CLOCK_MONOTONIC, 0, &no_wait, nullptr); }},
      {Id::getaddrinfo, look_up},
      {Id::getnameinfo, [&] { error = getnameinfo(nullptr, 0, nullptr, 0, nullptr, 0, 0); }},
      {Id::gethostbyname, [&] { found = gethostbyname("127.0.0.1"); }},
      {Id::gethostbyname2, [&] { found = gethostbyname2("127.0.0.1", AF_INET); }},
      {Id::gethostbyname_r,
       [&] { error = gethostbyname_r("127.0.0.1", &entry, &byte, 1, &found, &error); }},
      {Id::gethostbyname2_r,
       [&] { error = gethostbyname2_r("127.0.0.1", AF_INET, &entry, &byte, 1, &found, &error); }},
      {Id::close, [&] { error = close(-1); }},
      {Id::dup2, [&] { error = dup2(-1, -1); }},
      {Id::dup3, [&] { error = dup3(-1, -1, 0); }},
  };
  const int before = errno;
  for (const auto& [id, call] : tries) {
    const std::uint64_t made = call_of(id).made.load(std::memory_order_relaxed);
    call();
    if (call_of(id).made.load(std::memory_order_relaxed) == made)
      faults.push_back(std::string("a call of ") + call_of(id).name + "() did not come here");
  }
  errno = before;
}

} // namespace

std::vector<std::string> faults() {
  Faults found;
#ifndef GROVE_PATCH_WRAP
  look_at_names(found);
  dl_iterate_phdr(look_at_object, &found);
#endif
  try_calls(found);
  return found;
}

} // namespace grove::patch
