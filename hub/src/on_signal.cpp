// SPDX-License-Identifier: MIT
// on_signal(): each arrival runs a function in a greenlet.
#include <grove/hub/signal.hpp>

#include <atomic>
#include <memory>
#include <optional>
#include <string>

#include <grove/hub/detail/report.hpp>
#include <grove/hub/greenlet.hpp>

#include "hub_impl.hpp"
#include "signals.hpp"

namespace grove {

struct SignalWatch::Entry : detail::SignalRoute, std::enable_shared_from_this<Entry> {
  std::function<void(int)> function;
  std::string name;
  std::optional<Hub::Attachment> attachment;
  std::atomic<bool> active{true};

  static void run(detail::SignalRoute& route) noexcept {
    auto& self = static_cast<Entry&>(route);
    const detail::AsMain as_main;
    try {
      spawn(SpawnOptions{.name = self.name}, [entry = self.shared_from_this()] {
        if (entry->active.load())
          entry->function(entry->signal);
      });
    } catch (...) { // no memory for it
      detail::report_unhandled(detail::this_hub->current, std::current_exception());
    }
  }
};

SignalWatch::SignalWatch(int signal, std::function<void(int)> f, SignalOptions options)
    : entry_(std::make_shared<Entry>()) {
  entry_->signal = signal;
  entry_->arrived = Entry::run;
  entry_->pin = [](detail::SignalRoute& route) noexcept -> std::shared_ptr<detail::SignalRoute> {
    return static_cast<Entry&>(route).shared_from_this();
  };
  entry_->function = std::move(f);
  entry_->name = detail::name_of_signal(signal);
  if (options.awaited)
    entry_->attachment.emplace(Hub::current().attach());
  detail::subscribe(*entry_);
}

void SignalWatch::cancel() noexcept {
  if (entry_ == nullptr)
    return;
  entry_->active = false;
  detail::unsubscribe(*entry_);
  entry_.reset();
}

int SignalWatch::signal() const { return entry_ == nullptr ? 0 : entry_->signal; }

} // namespace grove
