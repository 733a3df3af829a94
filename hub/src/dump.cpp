// SPDX-License-Identifier: MIT
// What a hub tells of itself: dump, the text of a Deadlock, Stats.
#include <grove/hub/dump.hpp>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <ostream>
#include <sstream>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include <grove/hub/detail/greenlet_state.hpp>
#include <grove/hub/detail/wait.hpp>
#include <grove/hub/detail/waker_hint.hpp>
#include <grove/hub/hub.hpp>

#include "back_trace.hpp"
#include "extras.hpp"
#include "hub_impl.hpp"
#include "interrupts.hpp"

namespace grove {

namespace detail {

// -- who could wake whom --------------------------------------------------------------------------

WakerHint::WakerHint(const char* relation, const void* object, Owner owner)
    : who_(grove::detail::here().current), relation_(relation), object_(object), owner_(owner) {
  WakerHint*& first = HubImpl::here().hints;
  next_ = first;
  if (first != nullptr)
    first->prev_ = this;
  first = this;
}

WakerHint::~WakerHint() {
  (prev_ != nullptr ? prev_->next_ : HubImpl::here().hints) = next_;
  if (next_ != nullptr)
    next_->prev_ = prev_;
}

struct Wakers {
  // By who waits: words such as "for the end of worker-3".
  static std::unordered_map<const Identity*, std::string> of(HubImpl& hub) {
    std::unordered_map<const Identity*, std::string> all;
    hub.identities.for_each_living([&](Identity* identity) {
      const bool is_greenlet = identity->ops->accept == nullptr;
      if (is_greenlet && state_of(identity)->joiner != nullptr)
        all[state_of(identity)->joiner] = "for the end of " + name_of(identity);
      const WaitNode* ring = joiners(identity);
      if (ring == nullptr || ring->next == nullptr)
        return;
      for (const WaitNode* node = ring->next; node != ring; node = node->next)
        all[static_cast<const Waiter*>(node)->who] = "for the end of " + name_of(identity);
    });
    for (const WakerHint* hint = hub.hints; hint != nullptr; hint = hint->next_) {
      if ((hint->who_->flags & flag::parked) == 0)
        continue;
      if (const IdentityRef owner = hint->owner_(hint->object_); owner.alive())
        all[hint->who_] = hint->relation_ + (" " + name_of(owner.identity));
    }
    return all;
  }

private:
  static const WaitNode* joiners(Identity* identity) {
    if (identity->ops->accept == nullptr)
      return &state_of(identity)->joiners;
    return identity->extras != nullptr ? &identity->extras->joiners : nullptr;
  }
};

// -- one greenlet ---------------------------------------------------------------------------------

namespace {
// Main does so until it has been told of the deadlock.
bool waits(const Identity* identity) {
  return (identity->flags & (flag::parked | flag::deadlock)) != 0;
}

// Of one that waits: its own, or, in main that makes the text of its own deadlock, the running one.
const Context& context_of(const Identity* identity) {
  return *(identity->context != nullptr ? identity->context : this_hub->context);
}

// Of an actor in the middle of a message.
const char* handler_of(const Identity* identity) {
  if (identity->ops->accept == nullptr)
    return nullptr;
  if (identity == this_hub->current)
    return this_hub->context->handling;
  return identity->context != nullptr ? identity->context->handling : nullptr;
}

// Exact to the last poll before it parked: a tenth of a millisecond, if nobody hogged the hub.
std::string age_of_wait(const Identity* identity) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3f s",
                static_cast<double>(now_nanoseconds() - context_of(identity).parked_at) * 1e-9);
  return text;
}
} // namespace

void for_each_living(const std::function<void(Identity*)>& f) {
  HubImpl::here().identities.for_each_living([&](Identity* identity) {
    if ((identity->flags & flag::finished) == 0)
      f(identity);
  });
}

std::string words_of(Identity* identity) {
  std::ostringstream out;
  out << identity->id << ' ' << name_of(identity) << " (" << identity->ops->kind << "): ";
  if (waits(identity)) {
    out << "waits in " << context_of(identity).waits_for;
  } else if ((identity->flags & flag::finished) != 0) {
    out << "has ended";
  } else if (identity == this_hub->current) {
    out << "is running";
  } else if (identity->context != nullptr ||
             (identity->flags & (flag::started | flag::scheduled)) != 0) {
    out << "is runnable";
  } else {
    out << "is idle";
  }
  if (const char* handler = handler_of(identity))
    out << "; handling " << handler;
  if (identity->mail != 0)
    out << "; " << identity->mail << (identity->mail == 1 ? " message" : " messages")
        << " in its inbox";
  if ((identity->flags & (flag::kill_delivered | flag::finished)) == flag::kill_delivered) {
    out << "; was killed, and goes on";
  }
  return out.str();
}

namespace {

class Printer {
public:
  Printer(HubImpl& hub, std::ostream& out) : hub_(hub), out_(out), wakers_(Wakers::of(hub)) {}

  void print(Identity* identity, const std::string& indent) {
    out_ << indent << words_of(identity);
    const bool waiting = waits(identity);
    if (const auto waker = wakers_.find(identity); waiting && waker != wakers_.end())
      out_ << ", " << waker->second;
    if (waiting)
      out_ << "; for " << age_of_wait(identity);
    if (const Extras* extras = identity->extras; extras != nullptr && extras->tree != nullptr)
      print_tree(*extras->tree);
    if (const Context* context = identity->context;
        context != nullptr && context != &hub_.main_context) {
      out_ << "; stack: " << use(*context, identity->sp) << " in use, "
           << hub_.stacks.touched(*context) / 1024 << " of " << context->usable / 1024
           << " KiB touched";
    }
    out_ << '\n';
    if (!waiting)
      return;
    BackTrace trace;
    trace.capture_of(hub_.state, identity);
    trace.print(out_, symbols_, (indent + "    ").c_str());
  }

private:
  // With the first of its greenlets.
  void print_tree(const Tree& tree) {
    if (tree.empty() || !trees_.insert(&tree).second)
      return;
    std::map<std::uint64_t, const char*> types; // in the order in which the variables were made
    for (const auto& [key, place] : tree) {
      if (place.value != nullptr)
        types.emplace(key, place.type);
    }
    const char* before = "; tree locals: ";
    for (const auto& [key, type] : types)
      out_ << std::exchange(before, ", ") << type;
  }
  std::string use(const Context& context, const void* sp) const {
    if (&context == hub_.state.context) // it looks at itself
      sp = __builtin_frame_address(0);
    return std::to_string(reinterpret_cast<const char*>(&context) - static_cast<const char*>(sp)) +
           " bytes";
  }

  HubImpl& hub_;
  std::ostream& out_;
  std::unordered_map<const Identity*, std::string> wakers_;
  std::unordered_set<const Tree*> trees_; // that were told of
  Symbols symbols_;
};

// The living, each below its parent. One that has ended is among them while there is a handle to it
// and a child below it; those whose parent has gone altogether stand at the left.
class Family {
public:
  explicit Family(HubImpl& hub) {
    std::vector<Identity*> living;
    hub.identities.for_each_living([&](Identity* identity) {
      if ((identity->flags & flag::finished) == 0)
        living.push_back(identity);
    });
    std::unordered_set<const Identity*> ended;
    for (std::size_t i = 0; i < living.size(); ++i) { // it grows
      Identity* parent = held_parent_of(living[i]);
      if (parent != nullptr && (parent->flags & flag::finished) != 0 && ended.insert(parent).second)
        living.push_back(parent);
    }
    std::sort(living.begin(), living.end(),
              [](const Identity* a, const Identity* b) { return a->id < b->id; });
    for (Identity* identity : living)
      children_[held_parent_of(identity)].push_back(identity);
    children_[nullptr].insert(children_[nullptr].begin(), &hub.main_identity);
  }

  // Not by recursion: chains of parents may be long, and stacks are short.
  template <class F>
  void for_each(F&& f) {
    struct Step {
      Identity* identity;
      std::size_t depth;
    };
    std::vector<Step> left;
    const auto push = [&](Identity* parent, std::size_t depth) {
      const auto at = children_.find(parent);
      if (at == children_.end())
        return;
      for (std::size_t i = at->second.size(); i-- > 0;)
        left.push_back({at->second[i], depth});
    };
    push(nullptr, 0);
    while (!left.empty()) {
      const Step step = left.back();
      left.pop_back();
      f(step.identity, step.depth);
      push(step.identity, step.depth + 1);
    }
  }

private:
  static Identity* held_parent_of(const Identity* identity) {
    const IdentityRef parent = parent_of(identity);
    if (parent.alive())
      return parent.identity;
    const bool held = parent.identity != nullptr &&
                      parent.identity->generation == parent.generation &&
                      parent.identity->ops->accept == nullptr; // no actor
    return held ? parent.identity : nullptr;
  }
  std::unordered_map<Identity*, std::vector<Identity*>> children_;
};

} // namespace

// -- deadlock -------------------------------------------------------------------------------------

std::string HubImpl::deadlock_text() {
  constexpr std::size_t most = 100;
  std::ostringstream out;
  out << "grove: nothing can ever run again. Who waits, and in what:\n";
  Printer printer(*this, out);
  printer.print(&main_identity, "  ");
  std::size_t parked = 0;
  Family(*this).for_each([&](Identity* identity, std::size_t) {
    if (identity != &main_identity && (identity->flags & flag::parked) != 0 && ++parked <= most)
      printer.print(identity, "  ");
  });
  if (parked > most)
    out << "  ... and " << parked - most << " more\n";
  return out.str();
}

void HubImpl::report_deadlock() {
  if ((main_identity.flags & flag::parked) != 0 &&
      Interrupts::allowed(main_context,
                          state.context == &main_context ? *state.eh : main_context.eh)) {
    main_identity.flags |= flag::deadlock; // main makes the text, on its large stack
    Interrupts::knock(&main_identity);
    return;
  }
  // Main waits in a destructor while it unwinds, or under a Shield: nowhere to throw.
  std::fputs(deadlock_text().c_str(), stderr);
  std::abort();
}

} // namespace detail

// -- Hub ------------------------------------------------------------------------------------------

void Hub::dump(std::ostream& out) const {
  auto& impl = const_cast<detail::HubImpl&>(*static_cast<const detail::HubImpl*>(this));
  detail::Printer printer(impl, out);
  detail::Family(impl).for_each([&](detail::Identity* identity, std::size_t depth) {
    printer.print(identity, std::string(2 * std::min<std::size_t>(depth, 40), ' '));
  });
}

void dump(std::ostream& out) { Hub::current().dump(out); }

SignalWatch dump_on_signal(int signal) {
  return on_signal(signal, [] {
    std::ostringstream out;
    out << "grove: " << current_name() << ", a dump:\n";
    dump(out);
    std::fputs(out.str().c_str(), stderr); // at once: other hubs may write theirs
    std::fflush(stderr);
  });
}

Hub::Stats Hub::stats() const {
  const auto& impl = *static_cast<const detail::HubImpl*>(this);
  Stats stats = impl.counters;
  stats.dispatches = impl.dispatches();
  stats.stacks = impl.stacks.made();
  stats.stacks_cached = impl.stacks.cached(impl.state);
  stats.stack_peak = impl.stacks.peak();
  stats.living = 0;
  impl.identities.for_each_slot([&](const detail::Identity* slot) {
    stats.spawned += slot->generation - 1;
    if ((slot->flags & detail::flag::live) == 0)
      return;
    ++stats.spawned;
    if ((slot->flags & detail::flag::finished) == 0)
      ++stats.living;
  });
  return stats;
}

} // namespace grove
