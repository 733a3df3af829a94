// SPDX-License-Identifier: MIT
// CURVE: key pairs, and the sockets that encrypt and authenticate with them.
#pragma once

#include <string>
#include <string_view>

#include <grove/zmq/detail/secret.hpp>
#include <grove/zmq/socket.hpp>

namespace grove::zmq {

// A CurveKeyPair is who somebody is: the public key, which everybody may know, and the secret key,
// which nobody else may. Keys are text: 40 characters of Z85. It can be moved, not copied; the
// secret is wiped when the object goes. (libzmq keeps a copy in each socket that was given it.) Any
// thread; never waits. std::system_error (function_not_supported or the like) when libzmq was built
// without CURVE.
class CurveKeyPair {
public:
  static CurveKeyPair generate();
  // Computes the public key. std::invalid_argument unless the secret is 40 characters of Z85.
  static CurveKeyPair from_secret(std::string_view secret_key);

  const std::string& public_key() const noexcept { return public_key_; }
  // Good as long as the object.
  std::string_view secret_key() const noexcept { return secret_key_.view(); }

private:
  CurveKeyPair(std::string public_key, detail::Secret secret_key)
      : public_key_(std::move(public_key)), secret_key_(std::move(secret_key)) {}
  std::string public_key_;
  detail::Secret secret_key_;
};

// Whether it has the form of a key: 40 characters of Z85.
bool is_curve_key(std::string_view text) noexcept;

// Who gets into a CURVE server.
struct CurveServerOptions {
  // Those whom the Authenticator of the socket's context admits to this domain. Nobody, while there
  // is none: what libzmq would do then is to let everybody in.
  std::string domain = "global";
  // Everybody who knows the server's public key; no Authenticator is asked. Encrypted all the same.
  bool anyone = false;
};

// The socket takes only peers that speak CURVE, know the public key of `keys`, and are admitted.
// Before bind(). On the socket's hub. std::invalid_argument for an empty domain, and
// for anyone on a socket that has one; std::system_error when libzmq refuses; Closed. Never waits.
void make_curve_server(Socket& socket, const CurveKeyPair& keys,
                       const CurveServerOptions& who = {});

// The socket speaks CURVE, to a server that has the secret of this public key only. Before
// connect(). As above; std::invalid_argument for a malformed key.
void make_curve_client(Socket& socket, std::string_view server_key, const CurveKeyPair& keys);

} // namespace grove::zmq
