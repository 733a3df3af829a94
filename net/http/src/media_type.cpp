// SPDX-License-Identifier: MIT
// Media types by the ends of file names.
#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include <grove/http/fields.hpp>
#include <grove/http/static_files.hpp>

namespace grove::http {

std::string_view media_type(std::string_view file_name) {
  using Pair = std::pair<std::string_view, std::string_view>;
  static constexpr std::array types{
      Pair{".html", "text/html; charset=utf-8"},
      Pair{".htm", "text/html; charset=utf-8"},
      Pair{".css", "text/css; charset=utf-8"},
      Pair{".js", "text/javascript; charset=utf-8"},
      Pair{".mjs", "text/javascript; charset=utf-8"},
      Pair{".json", "application/json"},
      Pair{".txt", "text/plain; charset=utf-8"},
      Pair{".md", "text/markdown; charset=utf-8"},
      Pair{".csv", "text/csv; charset=utf-8"},
      Pair{".xml", "application/xml"},
      Pair{".svg", "image/svg+xml"},
      Pair{".png", "image/png"},
      Pair{".jpg", "image/jpeg"},
      Pair{".jpeg", "image/jpeg"},
      Pair{".gif", "image/gif"},
      Pair{".webp", "image/webp"},
      Pair{".avif", "image/avif"},
      Pair{".ico", "image/x-icon"},
      Pair{".woff", "font/woff"},
      Pair{".woff2", "font/woff2"},
      Pair{".ttf", "font/ttf"},
      Pair{".otf", "font/otf"},
      Pair{".pdf", "application/pdf"},
      Pair{".zip", "application/zip"},
      Pair{".gz", "application/gzip"},
      Pair{".tar", "application/x-tar"},
      Pair{".wasm", "application/wasm"},
      Pair{".mp3", "audio/mpeg"},
      Pair{".ogg", "audio/ogg"},
      Pair{".mp4", "video/mp4"},
      Pair{".webm", "video/webm"},
  };
  const auto dot = file_name.rfind('.');
  if (dot == std::string_view::npos)
    return "application/octet-stream";
  const auto found = std::find_if(types.begin(), types.end(), [&](const Pair& pair) {
    return equals_ignoring_case(pair.first, file_name.substr(dot));
  });
  return found == types.end() ? "application/octet-stream" : found->second;
}

} // namespace grove::http
