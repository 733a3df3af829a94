// SPDX-License-Identifier: MIT
// Which descriptors this process has open: to see that none was left.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <system_error>

namespace grove::test {

// And what each stands for, as in "pipe:[4711]".
inline std::map<int, std::string> open_descriptors() {
  const std::filesystem::path all = "/proc/self/fd";
  std::map<int, std::string> result;
  for (const auto& entry : std::filesystem::directory_iterator(all))
    result[std::stoi(entry.path().filename())];
  std::error_code gone; // the directory's own
  for (auto& [fd, what] : result)
    what = std::filesystem::read_symlink(all / std::to_string(fd), gone);
  std::erase_if(result, [](const auto& one) { return one.second.empty(); });
  return result;
}

} // namespace grove::test
