// SPDX-License-Identifier: MIT
// A directory that goes with its object.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>
#include <system_error>

namespace grove::test {

class TemporaryDirectory {
public:
  TemporaryDirectory() {
    char name[] = "/tmp/grove_XXXXXX";
    if (mkdtemp(name) == nullptr)
      std::abort();
    path_ = name;
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::string& path() const { return path_; }

private:
  std::string path_;
};

} // namespace grove::test
