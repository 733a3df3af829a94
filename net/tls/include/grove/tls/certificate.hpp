// SPDX-License-Identifier: MIT
// Certificate: what a certificate says.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace grove::tls {

// Certificate is a plain copy of the fields that programs ask for; any thread. That it says so does
// not make it true: the one of a TlsStream's peer was verified, unless it was asked not to.
struct Certificate {
  std::string subject; // "CN=ann,O=Example", as RFC 2253 writes it: control characters are escaped
  std::string issuer;
  std::string serial;             // hexadecimal
  std::vector<std::string> names; // subject alternative names: of hosts, and IP addresses
  std::chrono::system_clock::time_point not_before;
  std::chrono::system_clock::time_point not_after;
  std::string fingerprint; // SHA-256 of the whole, 64 hexadecimal digits
  std::string pem;

  // The first certificate of a text in PEM. TlsError in Phase::setup.
  static Certificate parse(std::string_view pem);
};

} // namespace grove::tls
