// SPDX-License-Identifier: MIT
// Memory for posted calls. The thread that posts makes a node and the hub that runs it frees it: a
// general allocator takes a lock, or an atomic, for each such journey. Here nodes travel home in
// batches.
#include <atomic>
#include <cstddef>
#include <new>
#include <utility>

#include <grove/hub/hub.hpp>

namespace grove::detail {

namespace {

// Two cache lines, the second of which is touched by large closures only.
constexpr std::size_t node_size = 128;
constexpr std::size_t line_size = 64;
constexpr std::size_t batch = 32; // nodes that travel home at once

struct Pool;

// Before the node. A free one links to the next.
struct alignas(std::max_align_t) Head {
  Pool* home;
  Head* next;
};

constexpr std::size_t small = node_size - sizeof(Head); // what is larger comes from operator new

// The free nodes of one thread. Never freed: nodes may come home when the thread has ended, and a
// later thread goes on with it.
struct Pool {
  Head* free = nullptr; // the thread's
  Pool* next = nullptr; // among the idle
  alignas(64) std::atomic<Head*> returned{nullptr};
};

std::atomic<Pool*> idle_pools{nullptr};

void put_idle(Pool* first, Pool* last) noexcept {
  last->next = idle_pools.load(std::memory_order_relaxed);
  while (!idle_pools.compare_exchange_weak(last->next, first, std::memory_order_release,
                                           std::memory_order_relaxed)) {
  }
}
// Takes all and puts the others back: a pop of one could meet one that went and came back.
Pool* take_idle() noexcept {
  Pool* const mine = idle_pools.exchange(nullptr, std::memory_order_acquire);
  if (mine == nullptr)
    return nullptr;
  if (Pool* const others = std::exchange(mine->next, nullptr)) {
    Pool* last = others;
    while (last->next != nullptr)
      last = last->next;
    put_idle(others, last);
  }
  return mine;
}

void send_home(Pool& home, Head* first, Head* last) noexcept {
  last->next = home.returned.load(std::memory_order_relaxed);
  while (!home.returned.compare_exchange_weak(last->next, first, std::memory_order_release,
                                              std::memory_order_relaxed)) {
  }
}

// One per thread: its own nodes, and those of one other that wait to travel.
struct Store {
  Pool* pool = nullptr;
  Pool* other = nullptr;
  Head* first = nullptr;
  Head* last = nullptr;
  std::size_t count = 0;

  ~Store() {
    flush();
    if (pool != nullptr)
      put_idle(pool, pool);
    pool = nullptr;
    ended = true;
  }
  void flush() noexcept {
    if (first != nullptr)
      send_home(*other, std::exchange(first, nullptr), last);
    count = 0;
  }
  void open() {
    pool = take_idle();
    if (pool == nullptr)
      pool = new Pool;
  }
  bool ended = false; // a later thread_local's destructor posts: without a pool
};
thread_local Store store;

} // namespace

void* take_call(std::size_t bytes) {
  if (bytes > small)
    return ::operator new(bytes);
  Store& mine = store;
  Head* head = nullptr;
  if (!mine.ended) {
    if (mine.pool == nullptr)
      mine.open();
    if (mine.pool->free == nullptr)
      mine.pool->free = mine.pool->returned.exchange(nullptr, std::memory_order_acquire);
    head = mine.pool->free;
  }
  if (head != nullptr) {
    mine.pool->free = head->next;
  } else {
    head = static_cast<Head*>(::operator new(node_size, std::align_val_t(line_size)));
    head->home = mine.pool;
  }
  return head + 1;
}

void give_call(void* call, std::size_t bytes) noexcept {
  if (bytes > small) {
    ::operator delete(call);
    return;
  }
  Head* head = static_cast<Head*>(call) - 1;
  Store& mine = store;
  if (head->home == nullptr) {
    ::operator delete(head, std::align_val_t(line_size));
  } else if (head->home == mine.pool) {
    head->next = mine.pool->free;
    mine.pool->free = head;
  } else if (mine.ended) {
    send_home(*head->home, head, head);
  } else {
    if (mine.other != head->home)
      mine.flush();
    mine.other = head->home;
    head->next = std::exchange(mine.first, head);
    if (mine.count++ == 0)
      mine.last = head;
    if (mine.count == batch)
      mine.flush();
  }
}

} // namespace grove::detail
