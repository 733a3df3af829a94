// SPDX-License-Identifier: MIT
// MultipartParser: bytes to the parts of a form, strictly by RFC 7578 and 2046. Does no input or
// output.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include <grove/http/fields.hpp>
#include <grove/http/multipart.hpp>

namespace grove::http::detail {

// The boundary that a Content-Type of multipart/form-data names. Error 415 for another type, 400
// for none, two, or one that RFC 2046, 5.1.1 does not allow.
std::string boundary_of(std::string_view content_type);

// What RFC 2046 allows and nobody sends is refused: a text before the first boundary or behind the
// last, blanks behind a boundary, folded fields, transfer encodings. So is what servers have
// disagreed about: two names, a "filename*" beside "filename", a boundary that goes on.
class MultipartParser {
public:
  MultipartParser(std::string_view boundary, const MultipartLimits& limits);

  struct PartHead {
    std::string name{};
    std::optional<std::string> file_name{};
    Fields fields{};
  };

  enum class Event {
    more,    // is needed: what was not used, and what comes after it, must be given again
    head,    // of the next part: see part()
    data,    // of its body
    part_end // it is over
  };
  struct Step {
    Event event;
    std::size_t used;        // bytes of the buffer
    std::string_view data{}; // in the buffer
  };
  // Error: then it is of no more use.
  Step step(std::string_view buffer);
  PartHead& part() { return part_; }
  // The body of the request has ended: Error 400 if the form has not.
  void end() const;

  // So many bytes at once are always enough.
  std::size_t buffer_size() const { return limits_.head + delimiter_.size() + 4; }

private:
  Step first(std::string_view buffer);
  Step head(std::string_view buffer);
  Step body(std::string_view buffer);
  Step behind_boundary(std::string_view buffer);
  Step behind_form(std::string_view buffer) const;

  MultipartLimits limits_;
  std::string delimiter_; // "\r\n--boundary"
  enum class State { first, head, body, behind_boundary, behind_form } state_ = State::first;
  PartHead part_;
  std::size_t parts_ = 0;
  std::uint64_t size_ = 0; // of this part
};

} // namespace grove::http::detail
