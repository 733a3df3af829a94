// SPDX-License-Identifier: MIT
// AccessRules: who may connect, by address, key and password.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace grove::zmq {

namespace detail {
class AccessTable;
}

// AccessRules say who gets into the servers of one domain of an Authenticator. Without any, nobody
// does. They may be changed at any time, and hold for connections made afterwards. A name for the
// user, where none is given, is the key or the user of PLAIN.
//
// Addresses come first: who is denied by his address, or is not among the allowed ones when there
// are such, is out, whatever he knows. Hub-local; references stay good as long as the
// Authenticator.
class AccessRules {
public:
  AccessRules();
  AccessRules(const AccessRules&) = delete;
  AccessRules& operator=(const AccessRules&) = delete;
  ~AccessRules();

  // -- addresses: "192.0.2.7", "10.0.0.0/8", "2001:db8::/32"; std::invalid_argument --------------
  // An IPv4 address also means the same one written in IPv6 (::ffff:192.0.2.7). What comes over
  // ipc:// or inproc:// has no address, and so is none of the allowed.
  void allow_address(std::string_view range);
  void deny_address(std::string_view range);

  // -- CURVE -----------------------------------------------------------------------------------
  // std::invalid_argument unless it is 40 characters of Z85.
  void allow_key(std::string_view public_key, std::string user_id = {});
  bool remove_key(std::string_view public_key); // false if it was not there
  // The keys of all files *.key in a folder; how many there are. Waits for the disk, and throws
  // what load_certificates() does, before it has changed anything. The name of the user is what the
  // certificate's metadata calls "name".
  std::size_t allow_certificates(const std::string& folder);
  void allow_any_key(bool allow = true); // whoever knows the server's key

  // -- PLAIN -----------------------------------------------------------------------------------
  // A second password of a user replaces the first. It is wiped when it is not needed any more, and
  // compared in a time that does not depend on it.
  void allow_password(std::string user, std::string_view password);
  bool remove_user(std::string_view user);

  // -- NULL ------------------------------------------------------------------------------------
  void allow_anonymous(bool allow = true); // of sockets with a zap_domain and no other mechanism

private:
  friend class Authenticator;
  std::unique_ptr<detail::AccessTable> table_;
};

} // namespace grove::zmq
