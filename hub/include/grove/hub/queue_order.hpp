// SPDX-License-Identifier: MIT
// Fifo, Lifo, Priority: which item of a queue comes out next.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <list>
#include <set>
#include <utility>

namespace grove {

// An order is a type with a member template Items<T>, made from a value of the order, that keeps
// the items of a Queue<T, Order>:
//   size(), empty(), clear()
//   first()         an iterator or index to the one that comes out next; put() leaves it good
//   operator[]      (first()): that item
//   put(T&&)        keeps one more; if it throws, the items are as they were
//   take(first())   takes that one out and returns it; if it throws, it is still there
// All that differs between queues is in there, so that a program can add orders of its own.

// First in, first out.
struct Fifo {
  template <class T>
  class Items {
  public:
    explicit Items(const Fifo&) {}
    struct First {};

    std::size_t size() const { return items_.size(); }
    bool empty() const { return items_.empty(); }
    void clear() { items_.clear(); }
    First first() const { return {}; }
    const T& operator[](First) const { return items_.front(); }
    void put(T&& item) { items_.push_back(std::move(item)); }
    T take(First) {
      T item = std::move(items_.front());
      items_.pop_front();
      return item;
    }

  private:
    std::deque<T> items_;
  };
};

// Last in, first out.
struct Lifo {
  template <class T>
  class Items {
  public:
    explicit Items(const Lifo&) {}
    using First = typename std::list<T>::iterator;

    std::size_t size() const { return items_.size(); }
    bool empty() const { return items_.empty(); }
    void clear() { items_.clear(); }
    First first() { return items_.begin(); }
    const T& operator[](First first) const { return *first; }
    void put(T&& item) { items_.push_front(std::move(item)); }
    T take(First first) {
      T item = std::move(*first);
      items_.erase(first);
      return item;
    }

  private:
    std::list<T> items_; // a vector could not take out the second when a move throws
  };
};

// What compares less comes first: the smallest number, with std::less. Of equals, the one that was
// put first.
template <class Compare = std::less<>>
struct Priority {
  Compare compare{};

  template <class T>
  class Items {
  public:
    explicit Items(const Priority& order) : items_(order.compare) {}
    using First = typename std::multiset<T, Compare>::iterator;

    std::size_t size() const { return items_.size(); }
    bool empty() const { return items_.empty(); }
    void clear() { items_.clear(); }
    First first() { return items_.begin(); }
    const T& operator[](First first) const { return *first; }
    void put(T&& item) { items_.insert(std::move(item)); }
    T take(First first) {
      T item = std::move(const_cast<T&>(*first)); // erasing by iterator compares nothing
      items_.erase(first);
      return item;
    }

  private:
    std::multiset<T, Compare> items_; // a heap would be left in disorder when a comparison throws
  };
};

} // namespace grove
