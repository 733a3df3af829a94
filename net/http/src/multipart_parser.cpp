// SPDX-License-Identifier: MIT
// The parts of forms.
#include "multipart_parser.hpp"

#include <algorithm>
#include <cstring>

#include <grove/http/error.hpp>

#include "content_disposition.hpp"
#include "grammar.hpp"
#include "parameters.hpp"
#include "utf8.hpp"

namespace grove::http::detail {

namespace {

[[noreturn]] void refuse(const char* why, unsigned status = 400) {
  throw Error(status, std::string("the form: ") + why);
}

// bchars of RFC 2046, 5.1.1; a blank is no last one.
bool is_boundary(std::string_view text) {
  return !text.empty() && text.size() <= 70 && text.back() != ' ' &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return is_digit(c) || (lower(c) >= 'a' && lower(c) <= 'z') ||
                  std::string_view("'()+_,-./:=? ").find(c) != std::string_view::npos;
         });
}

// Two-way search: linear, whatever the client sends.
std::size_t find(std::string_view text, std::string_view what) {
  const void* const found = memmem(text.data(), text.size(), what.data(), what.size());
  return found == nullptr ? std::string_view::npos
                          : static_cast<std::size_t>(static_cast<const char*>(found) - text.data());
}

// One part's fields, each line with its end. Blanks around a value are not part of it.
void parse_fields(std::string_view text, std::size_t limit, Fields& fields) {
  fields.clear();
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find("\r\n"));
    text.remove_prefix(line.size() + 2);
    const auto colon = line.find(':');
    if (colon == std::string_view::npos || !is_token(line.substr(0, colon)))
      refuse("a part has a field without a name");
    const std::string_view value = line.substr(colon + 1);
    if (!is_field_value(value))
      refuse("a part has a field with a control character");
    if (fields.size() == limit)
      refuse("a part has too many fields", 431);
    fields.add(line.substr(0, colon), value);
  }
}

std::string_view only(const Fields& fields, std::string_view name) {
  std::size_t count = 0;
  for (const auto field : fields)
    count += equals_ignoring_case(field.name, name) ? 1 : 0;
  if (count > 1)
    refuse("a part has one field twice");
  return fields.get(name, "");
}

} // namespace

std::string boundary_of(std::string_view content_type) {
  const auto parameters = parse_parameters(content_type);
  if (!parameters)
    throw Error(400, "the Content-Type is broken");
  if (!equals_ignoring_case(parameters->value, "multipart/form-data"))
    throw Error(415, "the body is no form of multipart/form-data");
  const std::string* boundary = nullptr;
  for (const auto& [name, value] : parameters->list) {
    if (!equals_ignoring_case(name, "boundary"))
      continue;
    if (boundary != nullptr)
      refuse("two boundaries");
    boundary = &value;
  }
  if (boundary == nullptr || !is_boundary(*boundary))
    refuse("no boundary, or one that may not be");
  return *boundary;
}

MultipartParser::MultipartParser(std::string_view boundary, const MultipartLimits& limits)
    : limits_(limits), delimiter_("\r\n--" + std::string(boundary)) {}

MultipartParser::Step MultipartParser::step(std::string_view buffer) {
  switch (state_) {
  case State::first:
    return first(buffer);
  case State::head:
    return head(buffer);
  case State::body:
    return body(buffer);
  case State::behind_boundary:
    return behind_boundary(buffer);
  case State::behind_form:
    break;
  }
  return behind_form(buffer);
}

MultipartParser::Step MultipartParser::first(std::string_view buffer) {
  const std::string_view begin = std::string_view(delimiter_).substr(2);
  if (!begin.starts_with(buffer.substr(0, begin.size())))
    refuse("it does not begin with its boundary");
  if (buffer.size() < begin.size())
    return {Event::more, 0};
  state_ = State::behind_boundary;
  Step next = behind_boundary(buffer.substr(begin.size()));
  next.used += begin.size();
  return next;
}

// Of the two bytes that follow a boundary.
MultipartParser::Step MultipartParser::behind_boundary(std::string_view buffer) {
  const std::string_view two = buffer.substr(0, 2);
  if (two == "--") {
    state_ = State::behind_form;
    Step last = behind_form(buffer.substr(2));
    last.used += 2;
    return last;
  }
  if (two == "\r\n") {
    if (++parts_ > limits_.parts)
      refuse("too many parts", 413);
    state_ = State::head;
    Step next = head(buffer.substr(2));
    next.used += 2;
    return next;
  }
  if (two.size() == 2 || (two != "" && two != "-" && two != "\r"))
    refuse("something follows a boundary");
  return {Event::more, 0};
}

MultipartParser::Step MultipartParser::head(std::string_view buffer) {
  constexpr std::string_view head_end = "\r\n\r\n";
  const std::size_t end = find(buffer.substr(0, limits_.head), head_end);
  if (buffer.starts_with("\r\n"))
    refuse("a part has no fields");
  if (end == std::string_view::npos) {
    if (buffer.size() >= limits_.head)
      refuse("the fields of a part are too long", 431);
    return {Event::more, 0};
  }
  parse_fields(buffer.substr(0, end + 2), limits_.fields, part_.fields);
  auto names = parse_form_disposition(only(part_.fields, "Content-Disposition"));
  if (!names || !is_utf8(names->name) || (names->file_name && !is_utf8(*names->file_name)))
    refuse("a part's Content-Disposition is no form-data with one name, or is broken");
  const std::string_view coding = only(part_.fields, "Content-Transfer-Encoding");
  if (!coding.empty() && !equals_ignoring_case(coding, "binary") &&
      !equals_ignoring_case(coding, "8bit") && !equals_ignoring_case(coding, "7bit"))
    refuse("a part has a transfer encoding"); // RFC 7578, 4.7
  only(part_.fields, "Content-Type");
  part_.name = std::move(names->name);
  part_.file_name = std::move(names->file_name);
  size_ = 0;
  state_ = State::body;
  return {Event::head, end + head_end.size()};
}

MultipartParser::Step MultipartParser::body(std::string_view buffer) {
  const std::size_t end = find(buffer, delimiter_);
  if (end == 0) {
    state_ = State::behind_boundary;
    return {Event::part_end, delimiter_.size()};
  }
  std::size_t size = end;
  if (end == std::string_view::npos) { // what could be the begin of a delimiter stays
    size = buffer.size();
    const std::size_t from = size - std::min(size, delimiter_.size() - 1);
    for (std::size_t at = buffer.find('\r', from); at != std::string_view::npos;
         at = buffer.find('\r', at + 1)) {
      if (delimiter_.starts_with(buffer.substr(at))) {
        size = at;
        break;
      }
    }
  }
  if (size == 0)
    return {Event::more, 0};
  if (size > limits_.part - size_)
    refuse("a part is too long", 413);
  size_ += size;
  return {Event::data, size, buffer.substr(0, size)};
}

// An end of line, as some send it.
MultipartParser::Step MultipartParser::behind_form(std::string_view buffer) const {
  if (!std::string_view("\r\n").starts_with(buffer))
    refuse("something follows the last boundary");
  return {Event::more, 0};
}

void MultipartParser::end() const {
  if (state_ != State::behind_form)
    refuse("it ends early");
}

} // namespace grove::http::detail
