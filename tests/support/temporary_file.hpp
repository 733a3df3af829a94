// SPDX-License-Identifier: MIT
// A file that goes with its object.
#pragma once

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

#include <unistd.h>

namespace grove::test {

class TemporaryFile {
public:
  explicit TemporaryFile(const std::string& text = {}) {
    char name[] = "/tmp/grove_file_XXXXXX";
    close(mkstemp(name));
    path_ = name;
    put(text);
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile() { unlink(path_.c_str()); }

  const std::string& path() const { return path_; }
  void put(const std::string& text) const { std::ofstream(path_) << text; }
  std::string content() const {
    std::ifstream in(path_);
    return {std::istreambuf_iterator<char>(in), {}};
  }

private:
  std::string path_;
};

} // namespace grove::test
