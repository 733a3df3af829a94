// SPDX-License-Identifier: MIT
// Slabs of guarded stacks.
#include "stacks.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <new>
#include <span>
#include <string>
#include <system_error>

#include <grove/hub/detail/identity.hpp>
#include <grove/hub/detail/stack_memory.hpp>
#include <grove/hub/log.hpp>

#include "memory.hpp"
#include "switch.hpp"

#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#else
#define VALGRIND_STACK_REGISTER(start, end) 0
#define VALGRIND_STACK_DEREGISTER(id) (void)0
#endif
#if GROVE_ASAN
#include <sanitizer/lsan_interface.h>
#endif

namespace grove::detail {

namespace {

constexpr std::size_t stacks_per_slab = 64;
constexpr int guard_install = 102; // MADV_GUARD_INSTALL, Linux 6.13

[[noreturn]] void throw_no_stack(const char* what, std::uint64_t made, std::size_t size) {
  const int error = errno;
  throw std::system_error(
      error, std::system_category(),
      std::string("grove: ") + what + " for stack number " + std::to_string(made + 1) + " of " +
          std::to_string(size) +
          " bytes (see vm.max_map_count, ulimit -v; a smaller SpawnOptions::stack_size helps)");
}

// An unguarded stack is never handed out.
bool install_guard(char* low) {
  static bool kernel_has_it = true;
  if (kernel_has_it) {
    if (madvise(low, guard_size, guard_install) == 0)
      return true;
    if (errno != EINVAL)
      return false;
    kernel_has_it = false;
    log(LogLevel::warning, "this kernel has no MADV_GUARD_INSTALL; stacks are guarded by mprotect, "
                           "of which vm.max_map_count allows about 32,000");
  }
  return mprotect(low, guard_size, PROT_NONE) == 0;
}

std::size_t round_up(std::size_t bytes) { return (bytes + page_size - 1) / page_size * page_size; }

} // namespace

Stacks::~Stacks() { release_all(); }

void Stacks::release_all() noexcept {
  for (Context* context : contexts_) {
#if GROVE_TSAN
    __tsan_destroy_fiber(context->fiber);
#endif
#if GROVE_ASAN
    __lsan_unregister_root_region(context->limit, context->size);
    ASAN_UNPOISON_MEMORY_REGION(context->limit, context->size);
#endif
    VALGRIND_STACK_DEREGISTER(context->valgrind);
  }
  for (const Slab& slab : slabs_)
    munmap(slab.base, slab.bytes);
  contexts_.clear();
  slabs_.clear();
  pools_.clear();
}

Stacks::Pool& Stacks::pool(std::size_t size) { return pools_[size]; }

Context* Stacks::take(std::size_t size) {
  size = size == 0 ? default_stack_size : round_up(size < smallest_stack ? smallest_stack : size);
  Pool& from = pool(size);
  if (Context* context = from.idle) {
    from.idle = context->next;
    return context;
  }
  Context* context = carve(from, size);
  context->own_size = size != default_stack_size;
  return context;
}

void Stacks::give_back(Context* context) {
  Pool& to = pool(context->usable);
  context->next = to.idle;
  to.idle = context;
}

std::uint64_t Stacks::cached(const HubState& hub) const {
  std::uint64_t count = 0;
  for (const Context* c = hub.idle_hosts; c != nullptr; c = c->next)
    ++count;
  for (const auto& [size, pool] : pools_) {
    for (const Context* c = pool.idle; c != nullptr; c = c->next)
      ++count;
  }
  return count;
}

namespace {
// Which of the pages from `low` on are in memory; as many as `resident` has room for.
bool look_at_pages(char* low, std::vector<unsigned char>& resident) {
  return mincore(low, resident.size() * page_size, resident.data()) == 0;
}
// Bytes from the first page that is in memory to the last.
std::size_t depth(std::span<const unsigned char> pages) {
  const auto first =
      std::find_if(pages.begin(), pages.end(), [](unsigned char page) { return (page & 1) != 0; });
  return static_cast<std::size_t>(pages.end() - first) * page_size;
}
} // namespace

void trim_stack(const Identity& suspended) noexcept {
  if (suspended.context == nullptr) // it has none
    return;
  constexpr std::ptrdiff_t red_zone = 128;
  char* const low = suspended.context->limit;
  const auto unused = static_cast<char*>(suspended.sp) - red_zone - low;
  if (unused > 0)
    madvise(low, static_cast<std::size_t>(unused) / page_size * page_size, MADV_DONTNEED);
}

std::size_t Stacks::touched(const Context& context) {
  std::vector<unsigned char> resident(context.usable / page_size);
  return look_at_pages(context.limit, resident) ? depth(resident) : 0;
}

std::size_t Stacks::peak() const {
  std::size_t most = 0;
  std::vector<unsigned char> resident;
  for (const Slab& slab : slabs_) {
    resident.resize(slab.used * slab.stride / page_size);
    if (!look_at_pages(slab.base, resident))
      continue;
    for (std::size_t i = 0; i < slab.used; ++i) {
      const std::span<const unsigned char> pages(resident.data() + i * slab.stride / page_size,
                                                 slab.stride / page_size);
      most = std::max(most, depth(pages.subspan(guard_size / page_size)));
    }
  }
  return most;
}

Context* Stacks::carve(Pool& from, std::size_t size) {
  const std::size_t stride = size + guard_size;
  const std::size_t per_slab = size == default_stack_size ? stacks_per_slab : 1;
  make_room(contexts_); // before anything that cannot be undone
  if (from.slab == 0 || slabs_[from.slab - 1].used == per_slab) {
    make_room(slabs_);
    void* memory = mmap(nullptr, stride * per_slab, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    if (memory == MAP_FAILED)
      throw_no_stack("mmap failed", contexts_.size(), size);
    madvise(memory, stride * per_slab, MADV_NOHUGEPAGE); // else one page touched costs 2 MiB
    slabs_.push_back({static_cast<char*>(memory), stride * per_slab, 0, stride});
    from.slab = slabs_.size();
  }
  Slab& slab = slabs_[from.slab - 1];
  char* low = slab.base + slab.used * stride;
  if (!install_guard(low))
    throw_no_stack("no guard", contexts_.size(), size);
  ++slab.used;
  // Tops that all lie on one cache set evict each other: spread them over 1 KiB.
  const std::size_t colour = contexts_.size() % 16 * 64;
  char* top = low + stride - colour - sizeof(Context);
  top -= reinterpret_cast<std::uintptr_t>(top) % 64;
  auto* context = ::new (top) Context;
  context->limit = low + guard_size;
  context->size = static_cast<std::size_t>(top - context->limit);
  context->usable = size;
#if GROVE_TSAN
  context->fiber = __tsan_create_fiber(0);
#endif
#if GROVE_ASAN
  __lsan_register_root_region(context->limit, context->size);
#endif
  context->valgrind = VALGRIND_STACK_REGISTER(context->limit, top);
  make_context(context, top);
  contexts_.push_back(context);
  return context;
}

} // namespace grove::detail
