// SPDX-License-Identifier: MIT
// Header fields.
#include <grove/http/fields.hpp>

#include <algorithm>
#include <functional>
#include <limits>
#include <stdexcept>

#include "grammar.hpp"

namespace grove::http {

namespace {

constexpr std::size_t few = 8; // fields that most messages have room in
constexpr std::size_t most_text = std::numeric_limits<std::uint32_t>::max();

[[noreturn]] void refuse_length() {
  throw std::length_error("grove: http: fields of more than 4 GiB");
}

[[noreturn]] void refuse(std::string_view name, const char* why) {
  std::string text = "grove: http: the field '";
  for (const char c : name.substr(0, 64))
    text += detail::is_control(c) ? '?' : c;
  throw std::invalid_argument(text + "' " + why);
}

std::string_view checked_value(std::string_view name, std::string_view value) {
  value = detail::trimmed(value);
  if (!detail::is_field_value(value))
    refuse(name, "has a control character in its value");
  return value;
}

std::string_view checked(std::string_view name, std::string_view value) {
  if (!detail::is_token(name))
    refuse(name, "has a name that is no token");
  return checked_value(name, value);
}

} // namespace

bool equals_ignoring_case(std::string_view a, std::string_view b) noexcept {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) {
           return detail::lower(x) == detail::lower(y);
         });
}

void Fields::append(std::string_view name, std::string_view value) {
  if (name.size() > most_text - text_.size() ||
      value.size() > most_text - text_.size() - name.size())
    refuse_length();
  const std::size_t begin = text_.size();
  text_.reserve(begin + name.size() + value.size());
  text_.append(name);
  text_.append(value);
  append_taken(begin, name.size(), begin + name.size(), value.size());
}

void Fields::take_text(std::string_view head) {
  if (head.size() > most_text)
    refuse_length();
  text_ = head;
  entries_.clear();
}

void Fields::append_taken(std::size_t name, std::size_t name_size, std::size_t value,
                          std::size_t value_size) {
  if (entries_.capacity() == 0)
    entries_.reserve(few);
  entries_.push_back({static_cast<std::uint32_t>(name), static_cast<std::uint32_t>(name_size),
                      static_cast<std::uint32_t>(value), static_cast<std::uint32_t>(value_size)});
}

void Fields::add(std::string_view name, std::string_view value) {
  value = checked(name, value);
  const auto is_own = [&](std::string_view view) {
    return !std::less<>()(view.data(), text_.data()) &&
           std::less<>()(view.data(), text_.data() + text_.size());
  };
  if (is_own(name) || is_own(value)) // text_ may move
    append(std::string(name), std::string(value));
  else
    append(name, value);
}

void Fields::add_first(std::string_view token, std::string_view value) {
  append(token, checked_value(token, value));
}

void Fields::set(std::string_view name, std::string_view value) {
  const std::string own_name(name);
  const std::string own_value(checked(name, value));
  remove(own_name);
  append(own_name, own_value);
}

std::size_t Fields::remove(std::string_view name) {
  return std::erase_if(
      entries_, [&](const Entry& entry) { return equals_ignoring_case(field(entry).name, name); });
}

void Fields::clear() noexcept {
  text_.clear();
  entries_.clear();
}

std::optional<std::string_view> Fields::get(std::string_view name) const {
  for (const Entry& entry : entries_) {
    if (entry.name_size == name.size() && equals_ignoring_case(field(entry).name, name))
      return field(entry).value;
  }
  return std::nullopt;
}

std::string Fields::joined(std::string_view name) const {
  const char* const separator = equals_ignoring_case(name, "cookie") ? "; " : ", ";
  std::string all;
  bool first = true;
  for (const Field each : *this) {
    if (!equals_ignoring_case(each.name, name))
      continue;
    if (!first)
      all += separator;
    all += each.value;
    first = false;
  }
  return all;
}

std::vector<std::string> Fields::list(std::string_view name) const {
  std::vector<std::string> members;
  for (const Field each : *this) {
    if (!equals_ignoring_case(each.name, name))
      continue;
    for (const std::string_view member : detail::split(each.value, ',')) {
      if (!member.empty())
        members.emplace_back(member);
    }
  }
  return members;
}

bool Fields::lists(std::string_view name, std::string_view member) const {
  return std::ranges::any_of(
      list(name), [&](const std::string& one) { return equals_ignoring_case(one, member); });
}

} // namespace grove::http
