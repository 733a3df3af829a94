// SPDX-License-Identifier: MIT
// CURVE keys from libzmq, and the options they are put into.
#include <grove/zmq/curve.hpp>

#include <zmq.h>

#include <cstddef>
#include <cstring>
#include <stdexcept>
#include <utility>
#include <vector>

#include <grove/zmq/z85.hpp>

#include "fail.hpp"
#include "mechanism.hpp"

namespace grove::zmq {

namespace {

constexpr std::size_t key_length = 40;

void check_key(std::string_view key, const char* what) {
  if (is_curve_key(key))
    return;
  throw std::invalid_argument(std::string("grove: ") + what + ": a key of " +
                              std::to_string(key.size()) +
                              " characters, where 40 of Z85 are expected");
}

} // namespace

bool is_curve_key(std::string_view text) noexcept {
  if (text.size() != key_length)
    return false;
  try {
    std::vector<std::byte> bytes = z85_decode(text);
    ::explicit_bzero(bytes.data(), bytes.size()); // of a secret, perhaps
    return true;
  } catch (...) {
    return false;
  }
}

CurveKeyPair CurveKeyPair::generate() {
  std::string public_key(key_length + 1, '\0'), secret_key(key_length + 1, '\0');
  const detail::WipeAtExit wipe(secret_key);
  if (zmq_curve_keypair(public_key.data(), secret_key.data()) != 0)
    detail::fail(zmq_errno(), "generate a CURVE key pair");
  public_key.pop_back();
  secret_key.pop_back();
  return {std::move(public_key), detail::Secret(secret_key)};
}

CurveKeyPair CurveKeyPair::from_secret(std::string_view secret_key) {
  check_key(secret_key, "CurveKeyPair.from_secret");
  detail::Secret secret(secret_key);
  std::string public_key(key_length + 1, '\0');
  if (zmq_curve_public(public_key.data(), secret.view().data()) != 0) // a NUL follows it
    detail::fail(zmq_errno(), "compute a CURVE public key");
  public_key.pop_back();
  return {std::move(public_key), std::move(secret)};
}

void make_curve_server(Socket& socket, const CurveKeyPair& keys, const CurveServerOptions& who) {
  if (who.domain.empty() && !who.anyone) {
    throw std::invalid_argument("grove: make_curve_server: without a domain no Authenticator is "
                                "asked; if anyone may come in, say .anyone");
  }
  if (who.anyone && !socket.get(option::zap_domain).empty()) {
    throw std::invalid_argument("grove: make_curve_server: the socket has a zap_domain, which "
                                "libzmq cannot take back; anyone is for a fresh one");
  }
  std::string secret(keys.secret_key());
  const detail::WipeAtExit wipe(secret);
  detail::set_zap_domain(socket, who.anyone ? std::string() : who.domain);
  socket.set(option::curve_secretkey, secret);
  socket.set(option::curve_server, true);
}

void make_curve_client(Socket& socket, std::string_view server_key, const CurveKeyPair& keys) {
  check_key(server_key, "make_curve_client");
  std::string secret(keys.secret_key());
  const detail::WipeAtExit wipe(secret);
  socket.set(option::curve_publickey, keys.public_key());
  socket.set(option::curve_secretkey, secret);
  socket.set(option::curve_serverkey, std::string(server_key));
}

} // namespace grove::zmq
