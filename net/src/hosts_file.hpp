// SPDX-License-Identifier: MIT
// HostsFile: /etc/hosts, or another one.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "name_servers.hpp"

namespace grove::net::detail {

// Reads the file at first use, and again when it has changed; a file that is not there is empty.
class HostsFile {
public:
  explicit HostsFile(std::string path) : path_(std::move(path)) {}

  // The addresses of the lines that have that name (in lower case, without a dot at its end).
  const std::vector<Address>& find(std::string_view name);

private:
  void read();
  std::string path_;
  FileStamp stamp_;
  std::unordered_map<std::string, std::vector<Address>> hosts_;
};

} // namespace grove::net::detail
