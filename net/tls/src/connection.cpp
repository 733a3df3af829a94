// SPDX-License-Identifier: MIT
#include "connection.hpp"

#include <openssl/err.h>

#include <algorithm>
#include <array>
#include <stdexcept>
#include <system_error>
#include <utility>

#include <grove/hub/detail/report.hpp>
#include <grove/hub/detail/warm_stack.hpp>
#include <grove/hub/exceptions.hpp>

#include "failure.hpp"

namespace grove::tls::detail {

namespace {

constexpr std::size_t record_size = 16 * 1024; // the most that one carries

// After so many bytes without a wait the hub's others have a turn. To encrypt them takes about as
// long as the kernel needs for several times as many.
constexpr std::uint32_t budget = 64 * 1024;
constexpr std::uint32_t budget_per_call = budget / 16;

// The parts, or as many of their bytes as a record has room for, in one piece.
std::string_view joined(std::span<const std::string_view> parts) {
  static thread_local std::array<char, record_size> memory;
  while (!parts.empty() && parts.front().empty())
    parts = parts.subspan(1);
  if (parts.empty())
    return {};
  if (parts.size() == 1 || parts.front().size() >= record_size)
    return parts.front().substr(0, record_size);
  std::size_t count = 0;
  for (const std::string_view part : parts)
    count += part.copy(memory.data() + count, record_size - count);
  return {memory.data(), count};
}

} // namespace

// One greenlet in each direction.
class Connection::Turn {
public:
  Turn(bool& taken, Connection& connection, const char* what)
      : taken_(taken), connection_(connection) {
    if (taken) {
      throw std::logic_error("grove: " + std::string(what) + " on " + connection.name() +
                             ": another greenlet is in the middle of it");
    }
    taken = true;
  }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;
  ~Turn() {
    taken_ = false;
    connection_.changes_.grant_all();
  }

private:
  bool& taken_;
  Connection& connection_;
};

Connection::Connection(net::StreamSocket socket, SSL_CTX* context, std::shared_ptr<const void> keep)
    : socket_(std::move(socket)), keep_(std::move(keep)), bio_(socket_), ssl_(SSL_new(context)) {
  if (ssl_ == nullptr)
    throw_setup("no connection");
  SSL_set_app_data(ssl_.get(), this);
  BIO* bio = bio_.make();
  SSL_set_bio(ssl_.get(), bio, bio); // takes it
}

Connection& Connection::of(const SSL* ssl) {
  return *static_cast<Connection*>(SSL_get_app_data(ssl));
}

SSL* Connection::ssl(const char* what) const {
  home_(what);
  if (ssl_ == nullptr)
    throw Closed(std::string(what) + ": the stream was closed");
  return ssl_.get();
}

// -- the handshake --------------------------------------------------------------------------------

void Connection::handshake(Deadline deadline) {
  grove::detail::check_interrupts();
  constexpr const char* what = "TLS handshake";
  bool sent = true;
  while (step(TlsError::Phase::handshake, what, SSL_do_handshake) != Step::done) {
    if (!sent)
      check_sent();
    flush(what, deadline); // before we wait for the answer to it
    sent = bio_.send_error() == nullptr;
    if (!sent)
      bio_.may_read_again(); // what the peer has said before it went is there by now
    else if (!wait_for_input(what, deadline))
      fail_late(what);
  }
  flush(what, deadline); // a peer that has gone by now is for the next call that sends to tell
  // What was resumed can be again, where tickets are not used once only.
  if (client_ != nullptr && SSL_session_reused(ssl_.get()) == 1 &&
      SSL_version(ssl_.get()) == TLS1_2_VERSION)
    client_->sessions().put(session_name(), SessionPtr(SSL_get1_session(ssl_.get())));
}

// -- receiving and sending ------------------------------------------------------------------------

// Calls one of OpenSSL's functions, which gives 1 if it was successful.
template <class Call>
Connection::Step Connection::step(TlsError::Phase phase, const char* what, Call call) {
  SSL* const it = ssl(what); // may have been closed in a wait
  if (failure_ != nullptr)
    std::rethrow_exception(failure_);
  ERR_clear_error();
  const int result = call(it);
  if (!changes_.empty() && SSL_is_init_finished(it) == 1)
    changes_.grant_all();
  if (result == 1)
    return Step::done;
  switch (const int error = SSL_get_error(it, result)) {
  case SSL_ERROR_WANT_READ:
    return Step::wait;
  case SSL_ERROR_ZERO_RETURN:
    return Step::end;
  case SSL_ERROR_WANT_WRITE:
    if (phase == TlsError::Phase::handshake)
      return Step::wait; // it sends all, and then more
    [[fallthrough]];
  default:
    fail(phase, error);
  }
}

// The kernel had no more the last time, OpenSSL has nothing left either, and it is not the end:
// there is no need to ask.
bool Connection::nothing_to_read(const SSL* ssl) const {
  return bio_.drained() && SSL_has_pending(ssl) == 0 && failure_ == nullptr &&
         (SSL_get_shutdown(ssl) & SSL_RECEIVED_SHUTDOWN) == 0;
}

std::size_t Connection::read(std::span<char> into, Deadline deadline) {
  grove::detail::check_interrupts();
  constexpr const char* what = "recv";
  if (!await_receiving(what, deadline))
    fail_late(what);
  const Turn turn(receiving_, *this, what);
  if (into.empty())
    return 0;
  give_way(what);
  for (;;) {
    if (!nothing_to_read(ssl(what))) {
      std::size_t count = 0;
      const Step now = step(TlsError::Phase::receiving, what, [&](SSL* ssl) {
        return grove::detail::on_warm_stack(
            [&] { return SSL_read_ex(ssl, into.data(), into.size(), &count); });
      });
      if (now == Step::end)
        return 0;
      if (now == Step::done) {
        unwaited_ += budget_per_call + static_cast<std::uint32_t>(count);
        return count;
      }
    }
    if (!wait_for_input(what, deadline))
      fail_late(what);
  }
}

bool Connection::wait_to_read(Deadline deadline) {
  grove::detail::check_interrupts();
  constexpr const char* what = "wait_readable";
  if (!await_receiving(what, deadline))
    return false;
  const Turn turn(receiving_, *this, what);
  try {
    for (;;) {
      char first = 0;
      std::size_t count = 0;
      const auto peek = [&](SSL* ssl) { return SSL_peek_ex(ssl, &first, 1, &count); };
      if (!nothing_to_read(ssl(what)) && step(TlsError::Phase::receiving, what, peek) != Step::wait)
        return true;
      if (!wait_for_input(what, deadline))
        return false;
    }
  } catch (const TlsError&) { // which the next call throws
    return true;
  } catch (const std::system_error&) {
    return true;
  }
}

// The kernel has nothing. False if the deadline came first.
bool Connection::wait_for_input(const char* what, Deadline deadline) {
  if (bio_.has_unsent() && !sending_) {
    ssl(what);
    bio_.send_unsent();
  }
  if (!wait_for(false, what, deadline))
    return false;
  bio_.may_read_again();
  return true;
}

bool Connection::wait_for(bool to_write, const char* what, Deadline deadline) {
  try {
    const bool in_time =
        to_write ? socket_.wait_writable(deadline) : socket_.wait_readable(deadline);
    unwaited_ = 0;
    return in_time;
  } catch (const Closed&) {
    ssl(what); // says whose call it was
    throw;
  }
}

std::size_t Connection::write(std::span<const std::string_view> parts, Deadline deadline) {
  grove::detail::check_interrupts();
  constexpr const char* what = "send";
  const Turn turn(sending_, *this, what);
  give_way(what);
  flush(what, deadline);
  complete_message(what, deadline);
  check_sent();
  if ((SSL_get_shutdown(ssl(what)) & SSL_SENT_SHUTDOWN) != 0)
    throw std::system_error(EPIPE, std::system_category(), std::string(what) + " on " + name());
  const std::string_view data = joined(parts);
  if (data.empty())
    return 0;
  std::size_t count = 0;
  const auto write = [&](SSL* ssl) {
    return grove::detail::on_warm_stack(
        [&] { return SSL_write_ex(ssl, data.data(), data.size(), &count); });
  };
  if (step(TlsError::Phase::sending, what, write) != Step::done)
    fail(TlsError::Phase::sending, SSL_ERROR_SSL);
  unwaited_ += budget_per_call + static_cast<std::uint32_t>(count);
  flush(what, deadline);
  check_sent();
  return count;
}

// OpenSSL would read now, and take from the other greenlet what that waits for.
void Connection::complete_message(const char* what, Deadline deadline) {
  while (SSL_is_init_finished(ssl(what)) == 0) {
    if (receiving_) {
      grove::detail::Waiter waiter;
      changes_.push_back(waiter);
      if (grove::detail::park_until(what, deadline) == grove::detail::Wake::timeout)
        fail_late(what);
      continue;
    }
    const Turn receiving(receiving_, *this, what);
    const Turn completing(completing_, *this, what);
    if (step(TlsError::Phase::receiving, what, SSL_do_handshake) == Step::wait &&
        !wait_for_input(what, deadline))
      fail_late(what);
  }
}

// Until nobody completes a message. False if the deadline came first.
bool Connection::await_receiving(const char* what, Deadline deadline) {
  while (completing_) {
    grove::detail::Waiter waiter;
    changes_.push_back(waiter);
    if (grove::detail::park_until(what, deadline) == grove::detail::Wake::timeout)
      return false;
    ssl(what);
  }
  return true;
}

// What could not be sent is for who sends to hear: what came before can still be read.
void Connection::check_sent() const {
  if (bio_.send_error() != nullptr)
    std::rethrow_exception(failure_ != nullptr ? failure_ : bio_.send_error());
}

void Connection::flush(const char* what, Deadline deadline) {
  while (bio_.has_unsent()) {
    ssl(what);
    if (bio_.send_unsent())
      return;
    if (!wait_for(true, what, deadline))
      fail_late(what);
  }
}

void Connection::give_way(const char* what) {
  if (unwaited_ < budget)
    return;
  unwaited_ = 0;
  static thread_local std::uint64_t since = 0;
  since = grove::detail::look_at_turn(grove::detail::here(), since);
  grove::detail::yield_now();
  ssl(what);
}

// -- the end --------------------------------------------------------------------------------------

void Connection::shutdown_write(Deadline deadline) {
  grove::detail::check_interrupts();
  constexpr const char* what = "shutdown_write";
  const Turn turn(sending_, *this, what);
  flush(what, deadline);
  complete_message(what, deadline);
  if ((SSL_get_shutdown(ssl(what)) & SSL_SENT_SHUTDOWN) == 0) {
    const auto say = [](SSL* ssl) {
      return SSL_shutdown(ssl) >= 0 ? 1 : -1;
    }; // 0: not yet answered
    step(TlsError::Phase::sending, what, say);
  }
  flush(what, deadline);
  check_sent();
}

void Connection::close() noexcept {
  if (ssl_ == nullptr)
    return;
  part_politely();
  if (failure_ != nullptr)
    bio_.drain();
  ssl_ = nullptr;
  bio_.drop_unsent();
  changes_.grant_all(); // they see that it is closed
  socket_.close();      // wakes who waits for it
}

void Connection::part_politely() noexcept {
  if (failure_ != nullptr || bio_.has_unsent() || SSL_is_init_finished(ssl_.get()) == 0 ||
      (SSL_get_shutdown(ssl_.get()) & SSL_SENT_SHUTDOWN) != 0)
    return;
  ERR_clear_error();
  SSL_shutdown(ssl_.get());
  ERR_clear_error();
}

// -- errors ---------------------------------------------------------------------------------------

std::string Connection::peer() const {
  return socket_.name() + (host_.empty() ? "" : " (" + host_ + ")");
}

void Connection::fail(TlsError::Phase phase, int ssl_error) {
  failure_ = bio_.take_receive_error();
  if (failure_ != nullptr) {
    ERR_clear_error();
  } else if (ssl_error == SSL_ERROR_WANT_WRITE) {
    failure_ =
        std::make_exception_ptr(TlsError(phase, TlsError::Reason::protocol, peer(),
                                         "the peer asks for answers, and does not read them"));
  } else {
    failure_ = std::make_exception_ptr(describe_failure(ssl_.get(), phase, peer(), bio_.at_end()));
  }
  std::rethrow_exception(failure_);
}

void Connection::fail_late(const char* what) const {
  throw TimeoutError(std::string(what) + " on " + peer() + ": the deadline came first");
}

} // namespace grove::tls::detail
