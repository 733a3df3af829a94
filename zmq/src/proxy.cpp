// SPDX-License-Identifier: MIT
// Proxies: a greenlet for each way, and one for the control socket.
#include <grove/zmq/proxy.hpp>

#include <array>
#include <cstring>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>

#include <grove/hub/timeout.hpp>

namespace grove::zmq {

namespace {

bool receives(SocketType type) { return type != SocketType::pub && type != SocketType::push; }
bool sends(SocketType type) { return type != SocketType::sub && type != SocketType::pull; }

bool takes_turns(SocketType type) { return type == SocketType::req || type == SocketType::rep; }

bool may_control(SocketType type) {
  return type == SocketType::rep || type == SocketType::pair || type == SocketType::pull ||
         type == SocketType::sub;
}

bool may_capture(SocketType type) {
  return type == SocketType::pub || type == SocketType::push || type == SocketType::pair ||
         type == SocketType::dealer || type == SocketType::xpub;
}

[[noreturn]] void refuse(const std::string& what) {
  throw std::invalid_argument("grove: zmq::Proxy: " + what);
}

} // namespace

Proxy::Proxy(Socket frontend, Socket backend, ProxyOptions options)
    : frontend_(std::move(frontend)), backend_(std::move(backend)),
      capture_(std::move(options.capture)),
      control_(std::move(options.control)), to_backend_{frontend_, backend_,
                                                        receives(frontend_.type()) &&
                                                            sends(backend_.type())},
      to_frontend_{backend_, frontend_, receives(backend_.type()) && sends(frontend_.type())} {
  for (const Socket* side : {&frontend_, &backend_}) {
    if (takes_turns(side->type())) {
      refuse(std::string("a ") + name_of(side->type()) +
             " has turns; take a ROUTER or DEALER in its place");
    }
  }
  if (!to_backend_.exists && !to_frontend_.exists) {
    refuse(std::string("nothing goes between ") + name_of(frontend_.type()) + " and " +
           name_of(backend_.type()));
  }
  if (capture_ && !may_capture(capture_->type()))
    refuse(std::string("a ") + name_of(capture_->type()) + " cannot capture");
  if (control_ && !may_control(control_->type()))
    refuse(std::string("a ") + name_of(control_->type()) + " cannot control");
}

Proxy::~Proxy() {
  const Shield shield;
  stop();
}

// -- running -----------------------------------------------------------------------------------

void Proxy::start() {
  if (started_ || ended())
    return;
  started_ = true;
  if (control_) {
    obeyer_ = spawn({.name = "zmq::Proxy control"}, [this] { guarded([this] { obey(); }); });
  }
  spawn_movers();
}

void Proxy::run() {
  start();
  try {
    join();
  } catch (...) {
    const Shield shield;
    stop();
    throw;
  }
}

bool Proxy::join(Deadline deadline) {
  if (!ended_.wait(deadline))
    return false;
  if (error_ != nullptr)
    std::rethrow_exception(error_);
  return true;
}

void Proxy::finish(std::exception_ptr error) noexcept {
  if (ended())
    return;
  error_ = std::move(error);
  ended_.set();
}

// What comes out of a greenlet of ours ends all of them; but a kill is no error.
void Proxy::guarded(const std::function<void()>& work) {
  try {
    work();
  } catch (const GreenletExit&) {
    throw;
  } catch (...) {
    finish(std::current_exception());
    for (const GreenletRef<>* other : {&to_backend_.mover, &to_frontend_.mover, &obeyer_}) {
      if (*other && *other != current_greenlet())
        other->kill_nowait();
    }
  }
}

void Proxy::spawn_movers() {
  if (!moving())
    return;
  for (Way* way : {&to_backend_, &to_frontend_}) {
    if (!way->exists)
      continue;
    // The one before may have been asked to end, and not have come to it yet.
    way->mover = spawn({.name = "zmq::Proxy"}, [this, way, previous = way->mover] {
      if (previous) {
        const Shield shield;
        previous.join();
      }
      guarded([this, way] { move_messages(*way); });
    });
  }
}

// Nothing moves any more when it returns.
void Proxy::halt() {
  for (const Way* way : {&to_backend_, &to_frontend_}) {
    if (way->mover)
      way->mover.kill_nowait();
  }
  for (const GreenletRef<>& mover : {to_backend_.mover, to_frontend_.mover}) { // copies: we wait
    if (mover)
      mover.join();
  }
}

// -- steering ----------------------------------------------------------------------------------

void Proxy::pause() {
  paused_ = true;
  halt();
}

void Proxy::resume() {
  if (!paused_)
    return;
  paused_ = false;
  spawn_movers();
}

void Proxy::stop() {
  finish(nullptr);
  const GreenletRef<> obeyer = obeyer_;
  const bool by_command = obeyer && obeyer == current_greenlet();
  if (obeyer && !by_command)
    obeyer.kill_nowait();
  halt();
  if (obeyer && !by_command)
    obeyer.join();
}

// -- messages ----------------------------------------------------------------------------------

void Proxy::move_messages(Way& way) {
  while (moving()) {
    if (way.held.empty()) {
      way.held = way.from.recv_multipart(Deadline());
      way.captured = false;
    } else {
      pass_on(way);
    }
  }
}

// A kill at one of the waits leaves the message in `held`, and what was done to it in `captured`.
void Proxy::pass_on(Way& way) {
  if (capture_ && !way.captured) {
    Multipart copy;
    copy.reserve(way.held.size());
    for (const Message& part : way.held)
      copy.push_back(part.copy());
    capture_->send_multipart(std::move(copy), Deadline());
    way.captured = true;
  }
  std::uint64_t bytes = 0;
  for (const Message& part : way.held)
    bytes += part.size();
  const std::size_t parts = way.held.size();
  const auto drop = [&] {
    ++way.counts.dropped;
    way.dropped_bytes += bytes;
    way.held.clear();
  };
  try {
    way.to.send_multipart(std::move(way.held));
  } catch (const TimeoutError&) { // its sndtimeo
    return drop();
  } catch (const std::system_error& error) {
    if (error.code() != std::errc::host_unreachable)
      throw;
    return drop();
  }
  way.held.clear(); // NOLINT(bugprone-use-after-move): it is empty
  ++way.counts.messages;
  way.counts.parts += parts;
  way.counts.bytes += bytes;
}

// -- control -----------------------------------------------------------------------------------

void Proxy::obey() {
  while (!ended()) {
    const Multipart command = control_->recv_multipart(Deadline());
    carry_out(command.size() == 1 ? command.front().text() : std::string_view());
  }
}

void Proxy::carry_out(std::string_view word) {
  const SocketType type = control_->type();
  const bool asks = word == "STATISTICS";
  if (word == "PAUSE")
    pause();
  else if (word == "RESUME")
    resume();
  else if (!asks && word != "TERMINATE")
    ++unknown_commands_;
  // Nobody waits for one who asks and does not listen.
  if (asks && (type == SocketType::rep || type == SocketType::pair))
    static_cast<void>(control_->try_send_multipart(statistics()));
  else if (type == SocketType::rep)
    static_cast<void>(control_->try_send(Message()));
  if (word == "TERMINATE")
    stop();
}

ProxyStats Proxy::stats() const noexcept {
  return {to_backend_.counts, to_frontend_.counts, unknown_commands_};
}

// Messages and bytes that the frontend received and sent, then the backend. What was dropped has
// been received.
Multipart Proxy::statistics() const {
  const ProxyCounts& to = to_backend_.counts;
  const ProxyCounts& back = to_frontend_.counts;
  Multipart parts;
  for (const std::uint64_t number :
       {to.messages + to.dropped, to.bytes + to_backend_.dropped_bytes, back.messages, back.bytes,
        back.messages + back.dropped, back.bytes + to_frontend_.dropped_bytes, to.messages,
        to.bytes}) {
    Message part(sizeof number);
    std::memcpy(part.mutable_bytes().data(), &number, sizeof number);
    parts.push_back(std::move(part));
  }
  return parts;
}

} // namespace grove::zmq
