// SPDX-License-Identifier: MIT
// What the tests of grove::tls share: an authority, both sides of a handshake, what went wrong.
#pragma once

#include <exception>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <gtest/gtest.h>

#include <grove/hub/greenlet.hpp>
#include <grove/tls.hpp>

#include "../support/connected.hpp"
#include "../support/hub_test.hpp"
#include "authority.hpp"

namespace grove::test {

// How one side of a handshake came out.
struct Side {
  std::optional<tls::TlsStream> stream;
  std::exception_ptr error;

  tls::TlsStream& operator*() {
    if (error != nullptr)
      std::rethrow_exception(error);
    return stream.value();
  }
  tls::TlsStream* operator->() { return &**this; }
};

template <class F>
Side side_of(F f) {
  try {
    return {f(), nullptr};
  } catch (const std::exception&) {
    return {std::nullopt, std::current_exception()};
  }
}

// The TlsError that f throws; a failure if it throws none.
template <class F>
tls::TlsError tls_error_of(F f) {
  try {
    f();
  } catch (const tls::TlsError& error) {
    return error;
  } catch (const std::exception& error) {
    ADD_FAILURE() << "no TlsError, but: " << error.what();
    return {tls::TlsError::Phase::setup, tls::TlsError::Reason::setup, "", "none"};
  }
  ADD_FAILURE() << "nothing was thrown";
  return {tls::TlsError::Phase::setup, tls::TlsError::Reason::setup, "", "none"};
}
inline tls::TlsError tls_error_of(const Side& side) {
  return tls_error_of([&] {
    if (side.error != nullptr)
      std::rethrow_exception(side.error);
  });
}

struct Sides {
  Side client, server;
};

// Both in this program.
inline Sides shake_hands(const tls::ClientContext& client, const tls::ServerContext& server,
                         std::string_view host = "localhost",
                         Connected ends = Connected::unix_pair()) {
  auto other = spawn(
      [&] { return side_of([&] { return tls::wrap_server(std::move(ends.server), server); }); });
  Side mine = side_of([&] { return tls::wrap_client(std::move(ends.client), client, host); });
  return {std::move(mine), std::move(other).get()};
}

class TlsTest : public HubTest {
protected:
  using Reason = tls::TlsError::Reason;
  using Phase = tls::TlsError::Phase;

  static const Issued& root() {
    static const Issued made = authority("Grove's tests");
    return made;
  }
  static const Issued& localhost() {
    static const Issued made = issue({}, &root());
    return made;
  }
  static tls::ServerOptions server_options() { return {.identities = {localhost().identity()}}; }
  static tls::ClientOptions client_options() { return {.authorities = root().authorities()}; }

  tls::ServerContext server_{server_options()};
  tls::ClientContext client_{client_options()};
};

} // namespace grove::test
