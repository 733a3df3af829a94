// SPDX-License-Identifier: MIT
// The files of a directory: RFC 9110, sections 13 (conditions) and 14 (ranges).
#include <grove/http/static_files.hpp>

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdint>
#include <memory>
#include <optional>
#include <system_error>

#include <grove/http/error.hpp>

#include "date.hpp"
#include "grammar.hpp"
#include "request_access.hpp"

namespace grove::http {

struct StaticFiles::Directory {
  int descriptor;
  StaticFilesOptions options;
  Directory(int fd, StaticFilesOptions o) : descriptor(fd), options(std::move(o)) {}
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;
  ~Directory() { ::close(descriptor); }
};

namespace {

struct File {
  int descriptor = -1;
  struct stat status {};
  File() = default;
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() {
    if (descriptor >= 0)
      ::close(descriptor);
  }
  bool open(int directory, const std::string& path) {
    open_how how{};
    how.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY; // a FIFO must not be waited for
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
    if (descriptor >= 0)
      ::close(descriptor);
    descriptor = static_cast<int>(syscall(SYS_openat2, directory, path.c_str(), &how, sizeof how));
    return descriptor >= 0 && fstat(descriptor, &status) == 0;
  }
};

// The name of the file below the directory; nothing for a path that is nobody's.
std::optional<std::string> relative_path(std::string_view path, bool hidden) {
  std::string relative;
  while (!path.empty()) {
    if (path.front() != '/')
      return std::nullopt;
    path.remove_prefix(1);
    const auto end = std::min(path.find('/'), path.size());
    const auto segment = percent_decode(path.substr(0, end));
    path.remove_prefix(end);
    if (!segment || segment->find_first_of(std::string_view("/\\\0", 3)) != std::string::npos ||
        *segment == "." || *segment == ".." || (!hidden && segment->starts_with('.')) ||
        (segment->empty() && !path.empty()))
      return std::nullopt;
    if (!relative.empty())
      relative += '/';
    relative += *segment;
  }
  return relative;
}

std::string etag_of(const struct stat& status) {
  std::string tag = "\"";
  std::array<char, 20> digits;
  for (const auto part :
       {static_cast<std::uint64_t>(status.st_mtim.tv_sec),
        static_cast<std::uint64_t>(status.st_mtim.tv_nsec),
        static_cast<std::uint64_t>(status.st_size), static_cast<std::uint64_t>(status.st_ino)}) {
    if (tag.size() > 1)
      tag += '-';
    tag.append(digits.data(), std::to_chars(digits.begin(), digits.end(), part, 16).ptr);
  }
  return tag += '"';
}

// Whether a list of If-Match or If-None-Match has the tag, or "*".
bool lists(std::string_view list, std::string_view tag, bool weak) {
  while (!list.empty()) {
    const auto comma = std::min(list.find(','), list.size());
    std::string_view one = detail::trimmed(list.substr(0, comma));
    list.remove_prefix(std::min(comma + 1, list.size()));
    if (one == "*")
      return true;
    if (one.starts_with("W/")) {
      if (!weak)
        continue;
      one.remove_prefix(2);
    }
    if (one == tag)
      return true;
  }
  return false;
}

// RFC 9110, 13.2.2: 0, 304 or 412.
unsigned condition(const Request& request, std::string_view tag, std::time_t modified) {
  if (const auto match = request.field("If-Match")) {
    if (!lists(*match, tag, false))
      return 412;
  } else if (const auto since = request.field("If-Unmodified-Since")) {
    const auto date = detail::parse_http_date(*since);
    if (date && modified > *date)
      return 412;
  }
  if (const auto none = request.field("If-None-Match"))
    return lists(*none, tag, true) ? 304 : 0;
  if (const auto since = request.field("If-Modified-Since")) {
    const auto date = detail::parse_http_date(*since);
    if (date && modified <= *date)
      return 304;
  }
  return 0;
}

struct Range {
  std::uint64_t first, size;
};
enum class Ranges { whole, part, none };

// One range of "bytes="; several, or another unit, are answered with the whole (RFC 9110, 14.2).
Ranges range_of(std::string_view text, std::uint64_t size, Range& range) {
  if (!text.starts_with("bytes=") || text.find(',') != std::string_view::npos)
    return Ranges::whole;
  text = detail::trimmed(text.substr(6));
  const auto dash = text.find('-');
  if (dash == std::string_view::npos)
    return Ranges::whole;
  const auto number = [](std::string_view digits) -> std::optional<std::uint64_t> {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (error != std::errc() || end != digits.data() + digits.size())
      return std::nullopt;
    return value;
  };
  const auto first = number(text.substr(0, dash));
  const auto last = number(text.substr(dash + 1));
  if (dash == 0) { // the last so many
    if (!last)
      return Ranges::whole;
    if (*last == 0 || size == 0)
      return Ranges::none;
    range = {size - std::min(*last, size), std::min(*last, size)};
    return Ranges::part;
  }
  if (!first || (!last && dash + 1 < text.size()) || (last && *last < *first))
    return Ranges::whole;
  if (*first >= size)
    return Ranges::none;
  range = {*first, std::min(last.value_or(size - 1), size - 1) - *first + 1};
  return Ranges::part;
}

} // namespace

StaticFiles::StaticFiles(const std::filesystem::path& directory, StaticFilesOptions options) {
  const int fd = ::open(directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0)
    throw std::system_error(errno, std::system_category(), "open directory " + directory.string());
  directory_ = std::make_shared<const Directory>(fd, std::move(options));
}

Response StaticFiles::operator()(Request& request) const {
  if (request.method() != "GET" && request.method() != "HEAD")
    return Response(405, "405 Method Not Allowed\n").set("Allow", "GET, HEAD");
  const StaticFilesOptions& options = directory_->options;
  const std::string_view rest = RequestAccess::rest(request);
  const auto path = relative_path(rest, options.hidden);
  File file;
  const auto not_found = [] { return Error(404, "no such file"); };
  if (!path || !file.open(directory_->descriptor, path->empty() ? "." : *path))
    throw not_found();
  std::string name = *path;
  if (S_ISDIR(file.status.st_mode)) {
    if (!rest.ends_with('/')) // so that the page's relative links are right
      return Response::redirect(std::string(request.path()) + '/', 308);
    name += (name.empty() ? "" : "/") + options.index;
    if (options.index.empty() || !file.open(directory_->descriptor, name))
      throw not_found();
  }
  if (!S_ISREG(file.status.st_mode) || name.ends_with('/'))
    throw not_found();

  const auto size = static_cast<std::uint64_t>(file.status.st_size);
  const std::string tag = etag_of(file.status);
  const unsigned refused = condition(request, tag, file.status.st_mtim.tv_sec);
  Range range{0, size};
  unsigned status = 200;
  if (refused != 0) {
    status = refused;
  } else if (const auto asked = request.field("Range"); asked && request.method() == "GET") {
    const auto since = request.field("If-Range");
    if (!since || *since == tag) {
      const Ranges found = range_of(*asked, size, range);
      status = found == Ranges::part ? 206 : found == Ranges::none ? 416 : 200;
    }
  }
  if (status == 416 || status == 412) {
    Response response(status);
    if (status == 416)
      response.set("Content-Range", "bytes */" + std::to_string(size));
    return response;
  }
  std::string_view type = media_type(name);
  for (const auto& [end, own] : options.types) {
    if (name.ends_with(end))
      type = own;
  }
  Response response =
      status == 304 ? Response(304)
                    : Response::file({std::exchange(file.descriptor, -1), range.first, range.size},
                                     type, status);
  response.set("ETag", tag).set("Last-Modified", detail::http_date(file.status.st_mtim.tv_sec));
  response.set("Accept-Ranges", "bytes").set("X-Content-Type-Options", "nosniff");
  response.set("Cache-Control", options.max_age.count() > 0
                                    ? "max-age=" + std::to_string(options.max_age.count())
                                    : std::string("no-cache"));
  if (status == 206) {
    response.set("Content-Range", "bytes " + std::to_string(range.first) + "-" +
                                      std::to_string(range.first + range.size - 1) + "/" +
                                      std::to_string(size));
  }
  return response;
}

} // namespace grove::http
