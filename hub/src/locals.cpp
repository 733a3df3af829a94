// SPDX-License-Identifier: MIT
// Greenlet-local and tree-local values.
#include "locals.hpp"

#include <atomic>

#include <grove/hub/timeout.hpp>

#include "extras.hpp"
#include "hub_impl.hpp"

namespace grove::detail {

namespace {

LocalValue* find_in(const Locals& locals, std::uint64_t key) {
  LocalValue* value = locals.first;
  while (value != nullptr && value->key != key)
    value = value->greenlet_next;
  return value;
}

void unlink_from_key(LocalValue* value) {
  *value->key_at = value->key_next;
  if (value->key_next != nullptr)
    value->key_next->key_at = value->key_at;
  else if (LocalsByKey& all = HubImpl::here().locals; all[value->key] == nullptr)
    all.erase(value->key);
}

void unlink_and_destroy(LocalValue* value) {
  *value->greenlet_at = value->greenlet_next;
  if (value->greenlet_next != nullptr)
    value->greenlet_next->greenlet_at = value->greenlet_at;
  unlink_from_key(value);
  value->destroy(value);
}

} // namespace

std::uint64_t new_local_key() noexcept {
  static std::atomic<std::uint64_t> last{0};
  return last.fetch_add(1, std::memory_order_relaxed) + 1;
}

LocalValue* find_local(std::uint64_t key) {
  const Extras* extras = here().current->extras;
  return extras != nullptr ? find_in(extras->locals, key) : nullptr;
}

void add_local(std::uint64_t key, LocalValue* value) {
  value->key = key;
  const auto link = [value](LocalValue*& head, LocalValue**& at, LocalValue*& next,
                            LocalValue** LocalValue::*at_of) {
    at = &head;
    next = head;
    if (head != nullptr)
      head->*at_of = &next;
    head = value;
  };
  HubImpl& hub = HubImpl::here();
  LocalValue*& of_key = hub.locals[key]; // may throw; references stay good when others come
  link(extras_of(hub.state.current).locals.first, value->greenlet_at, value->greenlet_next,
       &LocalValue::greenlet_at);
  link(of_key, value->key_at, value->key_next, &LocalValue::key_at);
}

bool drop_local(std::uint64_t key) {
  LocalValue* value = find_local(key);
  if (value == nullptr)
    return false;
  unlink_and_destroy(value);
  return true;
}

void drop_locals() {
  Extras* extras = here().current->extras;
  if (extras == nullptr)
    return;
  const Shield shield;
  extras->locals.drop_all();
}

void drop_locals_of_key(std::uint64_t key) {
  if (this_hub->index == no_hub_index)
    return;
  const LocalsByKey& all = HubImpl::here().locals;
  for (auto found = all.find(key); found != all.end(); found = all.find(key))
    unlink_and_destroy(found->second);
}

void Locals::drop_all() {
  while (first != nullptr)
    unlink_and_destroy(first);
}

void Locals::abandon_all() {
  for (LocalValue* value = first; value != nullptr; value = value->greenlet_next)
    unlink_from_key(value);
}

// -- trees ----------------------------------------------------------------------------------------

void inherit_tree(Identity* parent, Identity* child) {
  if (parent->extras->tree != nullptr && parent->id != 0)
    extras_of(child).tree = parent->extras->tree;
}

TreeValue& tree_value(std::uint64_t key) {
  Identity* self = here().current;
  Extras& extras = extras_of(self);
  if (extras.tree == nullptr) {
    // The one nearest the root that is still there begins it, for all on the way.
    Identity* root = self;
    for (IdentityRef parent = parent_of(root); parent.alive() && parent.identity->id != 0;
         parent = parent_of(root)) {
      root = parent.identity;
      if (root->extras != nullptr && root->extras->tree != nullptr)
        break;
    }
    if (extras_of(root).tree == nullptr)
      root->extras->tree = std::make_shared<Tree>();
    for (Identity* one = self; one != root; one = parent_of(one).identity)
      extras_of(one).tree = root->extras->tree;
  }
  return (*extras.tree)[key];
}

} // namespace grove::detail
