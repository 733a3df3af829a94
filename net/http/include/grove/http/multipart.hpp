// SPDX-License-Identifier: MIT
// Multipart: the parts of a form with files (multipart/form-data, RFC 7578).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <grove/http/fields.hpp>
#include <grove/http/request.hpp>

namespace grove::http {

// What is beyond is refused: 413.
struct MultipartLimits {
  std::size_t parts = 100;
  std::size_t head = 4 * 1024;            // bytes of one part's fields: 431
  std::size_t fields = 16;                // of one part: 431
  std::uint64_t part = ~std::uint64_t{0}; // bytes of one part; Limits::body is for all together
};

// Multipart reads a form as it comes; no more than 16 KiB of it are in memory:
//
//     Multipart form(request);
//     while (auto* part = form.next()) {
//       if (part->is_file())
//         part->copy_to([&](std::string_view piece) { file.write(piece); });
//       else if (part->name() == "title")
//         title = part->text();
//     }
//
// Hub-local. Reading is a suspension point and throws what Request::read() does, Error 400 for a
// form that is broken or cut off, and 413 or 431 for one beyond the limits; after an Error it stays
// so. A kill or a Timeout scope loses nothing. The server's Limits::body must let uploads pass;
// other handlers have limits of their own for what they read.
class Multipart {
public:
  // Error 415 for another type, 400 for one without a boundary. The request must outlive it.
  explicit Multipart(Request& request, MultipartLimits limits = {});
  Multipart(Multipart&&) noexcept;
  Multipart& operator=(Multipart&&) noexcept;
  ~Multipart();

  class Part {
  public:
    const std::string& name() const { return name_; } // UTF-8
    // As the client says, UTF-8: to be shown, never to be a path. Nothing for a part that is no
    // file; empty for a field of files where none was chosen.
    const std::optional<std::string>& file_name() const { return file_name_; }
    bool is_file() const { return file_name_.has_value(); }
    std::string_view type() const { return fields_.get("Content-Type", "text/plain"); }
    const Fields& fields() const { return fields_; }

    // At least one byte, at most so many; 0 at the part's end.
    std::size_t read(std::span<char> into);
    // The rest of it; Error 413 for more than so many bytes.
    std::string text(std::size_t limit = 64 * 1024);
    // Gives the rest of it to `sink`, which may wait, piece by piece; how many bytes. What the sink
    // throws passes through.
    std::uint64_t copy_to(const std::function<void(std::string_view)>& sink);

  private:
    friend class Multipart;
    explicit Part(Multipart& form) : form_(&form) {}
    Multipart* form_;
    std::string name_;
    std::optional<std::string> file_name_;
    Fields fields_;
  };

  // The next part, until the one after it is asked for; null when there are no more. What was left
  // of the one before is passed over.
  Part* next();

private:
  struct State;
  std::string_view piece(); // of the part's body: empty at its end
  void take(std::size_t size);
  std::unique_ptr<State> state_;
};

} // namespace grove::http
