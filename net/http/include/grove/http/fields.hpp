// SPDX-License-Identifier: MIT
// Fields: the header fields of a message.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace grove::http {

class Response;
namespace detail {
class RequestHandler;
class ResponseHandler;
} // namespace detail

// Whether two texts differ in the case of ASCII letters only, as field names may.
bool equals_ignoring_case(std::string_view a, std::string_view b) noexcept;

// Fields keeps names and values in the order in which they were added; names are compared without
// regard to case. The views it gives hold until it is changed. A value; any thread, one at a time.
//
// What could split a message is refused, with std::invalid_argument that names the field: a name
// that is no token (RFC 9110, 5.6.2), a value with a control character other than a tab. Blanks
// around a value are not part of it.
class Fields {
public:
  struct Field {
    std::string_view name;
    std::string_view value;
  };

  Fields() = default;
  Fields(std::initializer_list<Field> fields) {
    for (const Field& each : fields)
      add(each.name, each.value);
  }

  void add(std::string_view name, std::string_view value);
  // In the place of all that have the name.
  void set(std::string_view name, std::string_view value);
  std::size_t remove(std::string_view name); // how many there were
  void clear() noexcept;                     // what was allocated stays

  bool has(std::string_view name) const { return get(name).has_value(); }
  // The first value; nothing if there is none.
  std::optional<std::string_view> get(std::string_view name) const;
  std::string_view get(std::string_view name, std::string_view otherwise) const {
    return get(name).value_or(otherwise);
  }
  // All values, joined as RFC 9110, 5.3 says: by ", ", cookies by "; ".
  std::string joined(std::string_view name) const;
  // The members of a list whose members are never quoted, of all fields of the name together:
  // Connection, Upgrade, Sec-WebSocket-Protocol.
  std::vector<std::string> list(std::string_view name) const;
  // Whether one of them is this, but for its case.
  bool lists(std::string_view name, std::string_view member) const;

  std::size_t size() const { return entries_.size(); }
  bool empty() const { return entries_.empty(); }
  Field operator[](std::size_t index) const { return field(entries_[index]); }

  class iterator {
  public:
    using value_type = Field;
    using difference_type = std::ptrdiff_t;
    Field operator*() const { return (*fields_)[at_]; }
    iterator& operator++() {
      ++at_;
      return *this;
    }
    iterator operator++(int) {
      iterator before = *this;
      ++at_;
      return before;
    }
    bool operator==(const iterator&) const = default;

  private:
    friend class Fields;
    iterator(const Fields* fields, std::size_t at) : fields_(fields), at_(at) {}
    const Fields* fields_;
    std::size_t at_;
  };
  iterator begin() const { return {this, 0}; }
  iterator end() const { return {this, size()}; }

private:
  friend class Response;
  friend class detail::RequestHandler;
  friend class detail::ResponseHandler;
  struct Entry { // both in text_
    std::uint32_t name, name_size, value, value_size;
  };
  Field field(const Entry& entry) const {
    const char* const text = text_.data();
    return {{text + entry.name, entry.name_size}, {text + entry.value, entry.value_size}};
  }
  void add_first(std::string_view token, std::string_view value); // of what is not its own
  void append(std::string_view name, std::string_view value);
  // Of a head that is read: first all of its text, then where in it each field is.
  void take_text(std::string_view head);
  void append_taken(std::size_t name, std::size_t name_size, std::size_t value,
                    std::size_t value_size);

  std::string text_;
  std::vector<Entry> entries_;
};

} // namespace grove::http
