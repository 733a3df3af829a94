// SPDX-License-Identifier: MIT
// StaticFiles: the files of a directory.
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <grove/http/request.hpp>
#include <grove/http/response.hpp>

namespace grove::http {

struct StaticFilesOptions {
  std::string index = "index.html"; // of a directory; empty: none
  std::chrono::seconds max_age{0};  // Cache-Control; 0: browsers ask each time (ETag)
  bool hidden = false;              // whether names that begin with '.' are given
  // Before the built-in ones: {".wasm", "application/wasm"}.
  std::vector<std::pair<std::string, std::string>> types{};
};

// StaticFiles is a Handler that gives the files under a directory: `router.mount("/static",
// StaticFiles("www"))`. It answers GET and HEAD, with ETag, Last-Modified and their conditions
// (304, 412), and one range (206, 416). No path leads out of the directory, by dots, by escapes or
// by symbolic links (openat2(2) sees to it in the kernel); what is no regular file is not found.
// Files are opened and sent on the hub: a slow disk makes it wait.
class StaticFiles {
public:
  // std::system_error if the directory cannot be opened.
  explicit StaticFiles(const std::filesystem::path& directory, StaticFilesOptions options = {});

  Response operator()(Request& request) const;

private:
  struct Directory;
  std::shared_ptr<const Directory> directory_;
};

// "text/html; charset=utf-8" for "page.html"; "application/octet-stream" for an unknown one.
std::string_view media_type(std::string_view file_name);

} // namespace grove::http
