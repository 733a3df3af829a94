// SPDX-License-Identifier: MIT
// How a supervisor makes a child, the first time and again.
#pragma once

#include <memory>
#include <new>
#include <tuple>
#include <type_traits>
#include <utility>

#include <grove/actors/spawn.hpp>

namespace grove::detail {

class ChildFactory {
public:
  ChildFactory() = default;
  ChildFactory(const ChildFactory&) = delete;
  ChildFactory& operator=(const ChildFactory&) = delete;
  virtual ~ChildFactory() = default;

  virtual Identity* make(HubState& hub) = 0; // a new one, not yet started
  virtual void start(HubState& hub, Identity* child) = 0;
  virtual void construct_again(Identity* child) = 0; // in the place of one that was destroyed
  virtual const char* type() const = 0;
};

template <class A, class... Args>
class ChildFactoryOf final : public ChildFactory {
public:
  template <class... As>
  explicit ChildFactoryOf(std::in_place_t, As&&... args) : args_(std::forward<As>(args)...) {}

  Identity* make(HubState& hub) override {
    return std::apply([&](const Args&... args) { return make_actor<A>(hub, args...); }, args_);
  }
  void start(HubState& hub, Identity* child) override { start_actor<A>(hub, child); }
  void construct_again(Identity* child) override {
    void* const place = object_of<A>(child);
    std::apply([&](const Args&... args) { ::new (place) A(args...); }, args_);
  }
  const char* type() const override { return actor_class_name<A>.data(); }

private:
  std::tuple<Args...> args_;
};

template <class A, class... Args>
std::unique_ptr<ChildFactory> make_child_factory(Args&&... args) {
  return std::make_unique<ChildFactoryOf<A, std::decay_t<Args>...>>(std::in_place,
                                                                    std::forward<Args>(args)...);
}

} // namespace grove::detail
