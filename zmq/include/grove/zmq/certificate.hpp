// SPDX-License-Identifier: MIT
// Certificate: a CURVE key in a file, in the form of CZMQ and pyzmq.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include <grove/zmq/curve.hpp>

namespace grove::zmq {

// A Certificate is a public key with what is told of its owner, and, in its owner's hands, the
// secret key. Nothing in it is signed: trust in the key comes from how the file was got.
//
// Files are read and written on a thread of the default pool, so that the hub goes on: load() and
// save() are for greenlets. A kill or a Timeout scope ends their wait; a save() under way is
// completed then, never left in half.
struct Certificate {
  std::string public_key;           // 40 characters of Z85
  std::optional<CurveKeyPair> keys; // of one's own
  std::map<std::string, std::string> metadata;

  static Certificate of(CurveKeyPair keys, std::map<std::string, std::string> metadata = {});

  // Reads a file of at most 64 KiB. std::system_error, which names the file: what open(2) and
  // read(2) say; permission_denied for a file with a secret key that others than its owner may
  // read or write; bad_message for one that is malformed (with the line), and for a secret that is
  // not that of the public key.
  static Certificate load(const std::string& path);
  // Writes the public part to `path` (0644), and, if there is a secret key, both keys to `path` +
  // "_secret" (0600). Each file is there wholly or not at all, and replaces one of that name.
  // std::system_error names the file; std::invalid_argument for a malformed key, and for metadata
  // whose names are not of letters, digits, '-', '_', '.' or whose values have line breaks or
  // quotes.
  void save(const std::string& path) const;
};

// The certificates of a folder: of each file there that is called *.key, in the order of names.
// Throws what load() does.
std::vector<Certificate> load_certificates(const std::string& folder);

} // namespace grove::zmq
