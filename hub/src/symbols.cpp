// SPDX-License-Identifier: MIT
// Symbol tables from ELF files.
#include "symbols.hpp"

#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <cxxabi.h>
#include <vector>

#include <grove/hub/detail/hub_state.hpp>

namespace grove::detail {

namespace {

std::string program_path() {
  char path[4096];
  const ssize_t length = readlink("/proc/self/exe", path, sizeof path);
  return length > 0 ? std::string(path, static_cast<std::size_t>(length)) : std::string();
}

// A file in memory for the time of a look at it.
class MappedFile {
public:
  explicit MappedFile(const char* path) {
    const int fd = open(path, O_RDONLY | O_CLOEXEC); // NOLINT: variadic by nature
    if (fd < 0)
      return;
    struct stat status {};
    if (fstat(fd, &status) == 0 && status.st_size > 0) {
      size_ = static_cast<std::size_t>(status.st_size);
      void* memory = mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, fd, 0);
      if (memory != MAP_FAILED)
        base_ = static_cast<const char*>(memory);
    }
    close(fd);
  }
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  ~MappedFile() {
    if (base_ != nullptr)
      munmap(const_cast<char*>(base_), size_);
  }

  // Null if the file does not hold all of them.
  template <class T>
  const T* at(std::uint64_t offset, std::uint64_t count = 1) const {
    if (base_ == nullptr || offset > size_ || count > (size_ - offset) / sizeof(T))
      return nullptr;
    return reinterpret_cast<const T*>(base_ + offset);
  }

private:
  const char* base_ = nullptr;
  std::size_t size_ = 0;
};

} // namespace

struct Symbols::Module {
  struct Function {
    std::uintptr_t begin;
    std::uintptr_t size;
    std::string name;
  };
  std::string name;
  std::uintptr_t bias = 0; // what the loader added to the addresses of the file
  std::vector<Function> functions;

  Module(const char* path, std::uintptr_t loaded_at) : bias(loaded_at) {
    const std::string file = path == nullptr || *path == '\0' ? program_path() : path;
    name = file.substr(file.rfind('/') + 1);
    const MappedFile elf(file.c_str());
    const auto* header = elf.at<ElfW(Ehdr)>(0);
    if (header == nullptr || std::memcmp(header->e_ident, ELFMAG, SELFMAG) != 0)
      return;
    const auto* sections = elf.at<ElfW(Shdr)>(header->e_shoff, header->e_shnum);
    if (sections == nullptr)
      return;
    for (const auto kind : {SHT_SYMTAB, SHT_DYNSYM}) { // the latter if it was stripped
      for (unsigned i = 0; i < header->e_shnum; ++i) {
        if (sections[i].sh_type == static_cast<ElfW(Word)>(kind) &&
            sections[i].sh_link < header->e_shnum)
          read(elf, sections[i], sections[sections[i].sh_link]);
      }
      if (!functions.empty())
        break;
    }
    std::sort(functions.begin(), functions.end(),
              [](const Function& a, const Function& b) { return a.begin < b.begin; });
  }

  void read(const MappedFile& elf, const ElfW(Shdr) & table, const ElfW(Shdr) & strings) {
    const std::uint64_t count = table.sh_size / sizeof(ElfW(Sym));
    const auto* symbols = elf.at<ElfW(Sym)>(table.sh_offset, count);
    const char* text = elf.at<char>(strings.sh_offset, strings.sh_size);
    if (symbols == nullptr || text == nullptr || strings.sh_size == 0 ||
        text[strings.sh_size - 1] != '\0')
      return;
    for (std::uint64_t i = 0; i < count; ++i) {
      const auto& symbol = symbols[i];
      if ((symbol.st_info & 0xf) == STT_FUNC && symbol.st_shndx != SHN_UNDEF &&
          symbol.st_name < strings.sh_size)
        functions.push_back({symbol.st_value, symbol.st_size, text + symbol.st_name});
    }
  }

  const Function* find(std::uintptr_t address) const {
    auto after = std::upper_bound(functions.begin(), functions.end(), address,
                                  [](std::uintptr_t a, const Function& f) { return a < f.begin; });
    if (after == functions.begin())
      return nullptr;
    const Function& before = *--after;
    return address - before.begin < std::max<std::uintptr_t>(before.size, 1) ? &before : nullptr;
  }
};

Symbols::Symbols() = default;
Symbols::~Symbols() = default;

const Symbols::Place& Symbols::find(std::uintptr_t address) {
  const auto at = found_.find(address);
  return at != found_.end() ? at->second : found_.emplace(address, look_up(address)).first->second;
}

Symbols::Place Symbols::look_up(std::uintptr_t address) {
  Place place;
  Dl_info info{};
  link_map* map = nullptr;
  if (dladdr1(reinterpret_cast<void*>(address - 1), &info, // NOLINT: an address, looked up
              reinterpret_cast<void**>(&map), RTLD_DL_LINKMAP) == 0 ||
      map == nullptr)
    return place;
  auto& module = modules_[reinterpret_cast<std::uintptr_t>(info.dli_fbase)];
  if (module == nullptr)
    module = std::make_unique<Module>(map->l_name, map->l_addr);
  place.module = module->name;
  place.offset = address - module->bias;
  if (const Module::Function* function = module->find(place.offset - 1)) {
    place.function = demangle(function->name.c_str());
    place.into = place.offset - function->begin;
  }
  return place;
}

std::string demangle(const char* name) {
  // The demangler takes some 64 bytes of stack per letter.
  const Context* context = this_hub->context;
  if (context != nullptr && context->limit != nullptr) {
    const auto here = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
    const auto limit = reinterpret_cast<std::uintptr_t>(context->limit);
    if (here < limit || here - limit < 8 * 1024 + 80 * std::strlen(name))
      return name;
  }
  int status = 0;
  char* text = abi::__cxa_demangle(name, nullptr, nullptr, &status);
  std::string result = status == 0 ? text : name;
  std::free(text); // NOLINT: malloc'ed by __cxa_demangle
  return result;
}

} // namespace grove::detail
