// SPDX-License-Identifier: MIT
// Gzip in pieces, both ways (RFC 1952). Does no input or output.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

namespace grove::http::detail {

// Bytes that are no gzip, or not all of one.
class BrokenGzip final : public std::runtime_error {
  using runtime_error::runtime_error;
};

class GzipWriter {
public:
  // `small`: with 64 KiB of memory instead of 256.
  GzipWriter(int level, bool small);
  GzipWriter(GzipWriter&&) noexcept;
  GzipWriter& operator=(GzipWriter&&) noexcept;
  ~GzipWriter();

  enum class Flush { later, now, end };
  // Hands on what comes of it, at most 4 KiB at a time. What that throws passes through: then
  // nothing more can be written.
  using Sink = std::function<void(std::string_view)>;
  void write(std::string_view data, Flush flush, const Sink& sink);

private:
  struct State;
  std::unique_ptr<State> state_;
};

class GzipReader {
public:
  // Compressed bytes, 0 at their end.
  using Source = std::function<std::size_t(std::span<char>)>;

  GzipReader();
  GzipReader(GzipReader&&) noexcept;
  GzipReader& operator=(GzipReader&&) noexcept;
  ~GzipReader();

  // At least one byte, at most so many; 0 at the end, which is that of the source. BrokenGzip, and
  // what the source throws: then the next call goes on.
  std::size_t read(std::span<char> into, const Source& source);

private:
  struct State;
  std::unique_ptr<State> state_;
};

} // namespace grove::http::detail
