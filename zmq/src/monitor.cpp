// SPDX-License-Identifier: MIT
// Monitors: libzmq's events, over a PAIR of its own making.
#include <grove/zmq/monitor.hpp>

#include <zmq.h>

#include <array>
#include <atomic>
#include <bit>
#include <cerrno>
#include <cstring>
#include <utility>

#include "fail.hpp"
#include "monitor_frames.hpp"

namespace grove::zmq {

static_assert(static_cast<int>(MonitorEventKind::connected) == ZMQ_EVENT_CONNECTED &&
              static_cast<int>(MonitorEventKind::bind_failed) == ZMQ_EVENT_BIND_FAILED &&
              static_cast<int>(MonitorEventKind::disconnected) == ZMQ_EVENT_DISCONNECTED &&
              static_cast<int>(MonitorEventKind::monitor_stopped) == ZMQ_EVENT_MONITOR_STOPPED &&
              static_cast<int>(MonitorEventKind::handshake_failed_auth) ==
                  ZMQ_EVENT_HANDSHAKE_FAILED_AUTH);

const char* name_of(MonitorEventKind kind) noexcept {
  static constexpr std::array names{"connected",
                                    "connect_delayed",
                                    "connect_retried",
                                    "listening",
                                    "bind_failed",
                                    "accepted",
                                    "accept_failed",
                                    "closed",
                                    "close_failed",
                                    "disconnected",
                                    "monitor_stopped",
                                    "handshake_failed_no_detail",
                                    "handshake_succeeded",
                                    "handshake_failed_protocol",
                                    "handshake_failed_auth"};
  const auto bits = static_cast<std::uint16_t>(kind);
  const auto index = static_cast<std::size_t>(std::countr_zero(bits));
  return std::has_single_bit(bits) && index < names.size() ? names[index] : "unknown event";
}

std::optional<int> MonitorEvent::descriptor() const noexcept {
  switch (kind) {
  case MonitorEventKind::connected:
  case MonitorEventKind::listening:
  case MonitorEventKind::accepted:
  case MonitorEventKind::closed:
  case MonitorEventKind::disconnected:
    return value;
  default:
    return std::nullopt;
  }
}

std::optional<std::error_code> MonitorEvent::error() const noexcept {
  switch (kind) {
  case MonitorEventKind::bind_failed:
  case MonitorEventKind::accept_failed:
  case MonitorEventKind::close_failed:
  case MonitorEventKind::handshake_failed_no_detail:
    return detail::code_of(value);
  default:
    return std::nullopt;
  }
}

std::optional<std::chrono::milliseconds> MonitorEvent::interval() const noexcept {
  if (kind != MonitorEventKind::connect_retried)
    return std::nullopt;
  return std::chrono::milliseconds(value);
}

std::optional<int> MonitorEvent::zap_status() const noexcept {
  if (kind != MonitorEventKind::handshake_failed_auth)
    return std::nullopt;
  return value;
}

std::optional<MonitorEvent> detail::parse_monitor_frames(std::span<const Message> frames) {
  std::uint16_t kind = 0;
  std::int32_t value = 0;
  if (frames.size() != 2 || frames[0].size() != sizeof kind + sizeof value)
    return std::nullopt;
  const std::span<const std::byte> bytes = frames[0].bytes();
  std::memcpy(&kind, bytes.data(), sizeof kind);
  std::memcpy(&value, bytes.data() + sizeof kind, sizeof value);
  return MonitorEvent{MonitorEventKind{kind}, std::string(frames[1].text()), value};
}

Monitor::Monitor(Socket& socket) : events_(socket, SocketType::pair) {
  static std::atomic<std::uint64_t> made = 0;
  const std::uint64_t number = ++made;
  const std::string endpoint = "inproc://grove.monitor." + std::to_string(number);
  events_.set(option::rcvhwm, 0); // see the class
  if (zmq_socket_monitor(socket.native_handle(), endpoint.c_str(), ZMQ_EVENT_ALL) != 0)
    detail::fail(zmq_errno(), std::string("monitor a ") + name_of(socket.type()) + " socket");
  watched_ = socket.handle_while_heard_by(number);
  try {
    events_.connect(endpoint);
  } catch (...) {
    stop();
    throw;
  }
}

Monitor::~Monitor() { stop(); }

void Monitor::stop() noexcept {
  if (void* handle = watched_(); handle != nullptr) // not if another has come in our place
    zmq_socket_monitor(handle, nullptr, 0);
}

MonitorEvent Monitor::taken(Multipart&& frames) {
  std::optional<MonitorEvent> event = detail::parse_monitor_frames(frames);
  if (!event) {
    detail::fail(EPROTO,
                 "Monitor.next: " + std::to_string(frames.size()) + " frames, which are no event");
  }
  if (event->kind == MonitorEventKind::monitor_stopped)
    stopped_ = true;
  return *std::move(event);
}

MonitorEvent Monitor::next(Deadline deadline) {
  if (stopped_)
    throw Closed("Monitor.next: monitoring has stopped");
  return taken(events_.recv_multipart(deadline));
}

std::optional<MonitorEvent> Monitor::try_next() {
  if (stopped_)
    return std::nullopt;
  std::optional<Multipart> frames = events_.try_recv_multipart();
  if (!frames)
    return std::nullopt;
  return taken(*std::move(frames));
}

void MonitorEvents::advance() {
  current_.reset();
  try {
    current_ = monitor_.next(deadline_);
  } catch (const TimeoutError&) { // NOLINT(bugprone-empty-catch): the end of the range
  } catch (const Closed&) {       // NOLINT(bugprone-empty-catch)
  }
}

} // namespace grove::zmq
