// SPDX-License-Identifier: MIT
// GreenletLocal: one value per greenlet.
#pragma once

#include <cstdint>
#include <functional>
#include <utility>

#include <grove/hub/detail/locals.hpp>

namespace grove {

// GreenletLocal<T> is a variable of which each greenlet (main and actors too) has its own. A value
// is made at the first get() in a greenlet, by the factory or as T(), and destroyed at that
// greenlet's end, the youngest first, as the last thing that runs in it: destructors may wait, and
// kills are held back meanwhile. The variable itself may be a static that every hub uses; when it
// is destroyed, so are the values of the greenlets of that thread's hub. No member waits.
template <class T>
class GreenletLocal {
public:
  using Factory = std::function<T()>;
  explicit GreenletLocal(Factory factory = [] {
    return T();
  }) requires std::default_initializable<T> : factory_(std::move(factory)) {}
  explicit GreenletLocal(Factory factory) requires(!std::default_initializable<T>)
      : factory_(std::move(factory)) {}
  GreenletLocal(const GreenletLocal&) = delete;
  GreenletLocal& operator=(const GreenletLocal&) = delete;
  ~GreenletLocal() { detail::drop_locals_of_key(key_); }

  // The value of the running greenlet, which is made if there is none. What the factory throws
  // leaves it without one.
  T& get() const {
    if (T* value = find())
      return *value;
    return emplace(factory_());
  }
  T& operator*() const { return get(); }
  T* operator->() const { return &get(); }

  // Null if the running greenlet has none.
  T* find() const {
    auto* found = static_cast<Value*>(detail::find_local(key_));
    return found != nullptr ? &found->value : nullptr;
  }
  bool has_value() const { return find() != nullptr; }
  T& set(T value) const {
    if (T* found = find())
      return *found = std::move(value);
    return emplace(std::move(value));
  }
  // False if there was none.
  bool reset() const { return detail::drop_local(key_); }

private:
  struct Value : detail::LocalValue {
    T value;
    explicit Value(T&& v) : value(std::move(v)) {}
  };
  T& emplace(T value) const {
    auto* made = new Value(std::move(value));
    made->destroy = [](detail::LocalValue* v) { delete static_cast<Value*>(v); };
    detail::add_local(key_, made);
    return made->value;
  }

  std::uint64_t key_ = detail::new_local_key();
  Factory factory_;
};

} // namespace grove
