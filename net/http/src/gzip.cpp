// SPDX-License-Identifier: MIT
// Compressed bodies, and who wants them.
#include <grove/http/gzip.hpp>

#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include <grove/http/error.hpp>
#include <grove/hub/greenlet.hpp>

#include "grammar.hpp"
#include "gzip_stream.hpp"
#include "request_access.hpp"

namespace grove::http {

// How much memory all of it may take is told by how many there are.
struct detail::GzipPlaces {
  std::atomic<std::size_t> compressing{0};
  std::atomic<std::size_t> inflating{0};
};

namespace {

// One of the places, until it goes. A shared one: what keeps it is copied.
using Place = std::shared_ptr<void>;

// Null if all are taken.
Place take_place(const std::shared_ptr<detail::GzipPlaces>& places,
                 std::atomic<std::size_t> detail::GzipPlaces::*kind, std::size_t most) {
  std::atomic<std::size_t>& taken = (*places).*kind;
  if (taken.fetch_add(1) >= most) {
    taken.fetch_sub(1);
    return nullptr;
  }
  return {&taken, [places](std::atomic<std::size_t>* count) { count->fetch_sub(1); }};
}

using detail::GzipReader;
using detail::GzipWriter;

constexpr std::size_t step = 64 * 1024;        // compressed in one go: about 2 ms
constexpr std::size_t most_packed = 16 * 1024; // kept of what is written piece by piece

// RFC 9110, 12.4.2: 0 to 1 with at most three digits, in thousandths; nothing for another text.
std::optional<int> weight_of(std::string_view text) {
  if (text.empty() || text.size() > 5 || (text[0] != '0' && text[0] != '1') ||
      (text.size() > 1 && text[1] != '.'))
    return std::nullopt;
  int weight = (text[0] - '0') * 1000;
  int place = 100;
  for (const char c : text.substr(std::min<std::size_t>(2, text.size()))) {
    if (!detail::is_digit(c))
      return std::nullopt;
    weight += (c - '0') * place;
    place /= 10;
  }
  return weight <= 1000 ? std::optional(weight) : std::nullopt;
}

// RFC 9110, 12.5.3. A member that is none counts for nothing.
bool takes_gzip(const Fields& fields) {
  std::optional<int> gzip;
  std::optional<int> any;
  int plain = 0;
  for (const std::string_view member : fields.list("Accept-Encoding")) {
    const auto semicolon = std::min(member.find(';'), member.size());
    const std::string_view coding = detail::trimmed(member.substr(0, semicolon));
    std::optional<int> weight = 1000;
    if (semicolon < member.size()) {
      const std::string_view q = detail::trimmed(member.substr(semicolon + 1));
      weight = q.starts_with("q=") || q.starts_with("Q=") ? weight_of(q.substr(2)) : std::nullopt;
    }
    if (!weight)
      continue;
    if (equals_ignoring_case(coding, "gzip") || equals_ignoring_case(coding, "x-gzip"))
      gzip = std::max(gzip.value_or(0), *weight);
    else if (coding == "*")
      any = *weight;
    else if (equals_ignoring_case(coding, "identity"))
      plain = *weight;
  }
  const int wanted = gzip ? *gzip : any.value_or(0);
  return wanted > 0 && wanted >= plain;
}

bool is_worth_it(std::string_view type) {
  type = detail::trimmed(type.substr(0, type.find(';')));
  const auto ends_with = [&](std::string_view end) {
    return type.size() > end.size() &&
           equals_ignoring_case(type.substr(type.size() - end.size()), end);
  };
  if (type.size() > 5 && equals_ignoring_case(type.substr(0, 5), "text/"))
    return !equals_ignoring_case(type, "text/event-stream");
  return ends_with("/json") || ends_with("+json") || ends_with("/xml") || ends_with("+xml") ||
         ends_with("/javascript") || ends_with("/wasm") || equals_ignoring_case(type, "font/ttf") ||
         equals_ignoring_case(type, "font/otf") || equals_ignoring_case(type, "image/bmp");
}

// Whether it would be compressed for a client that takes gzip.
bool is_for_gzip(const Response& response, std::size_t min_size) {
  const unsigned status = response.status();
  const Fields& fields = response.fields();
  if (status < 200 || status == 204 || status == 205 || status == 206 || status == 304 ||
      fields.has("Content-Encoding") || fields.has("Content-Range") ||
      fields.lists("Cache-Control", "no-transform") || !is_worth_it(fields.get("Content-Type", "")))
    return false;
  if (const auto* text = std::get_if<std::string>(&response.body()))
    return text->size() >= min_size;
  if (const auto* part = std::get_if<Response::FilePart>(&response.body()))
    return part->size >= min_size;
  return std::holds_alternative<Response::Write>(response.body());
}

// What is written leaves at once, as without this.
class Compressing final : public BodyWriter {
public:
  Compressing(BodyWriter& out, int level) : out_(out), gzip_(level, true) {}
  void write(std::string_view data) override {
    if (!data.empty())
      pass_on(data, GzipWriter::Flush::now);
  }
  void write_more(std::string_view data) { pass_on(data, GzipWriter::Flush::later); }
  void end() { pass_on({}, GzipWriter::Flush::end); }

private:
  void pass_on(std::string_view data, GzipWriter::Flush flush) {
    gzip_.write(data, flush, [this](std::string_view packed) {
      packed_ += packed;
      if (packed_.size() >= most_packed)
        leave();
    });
    leave();
  }
  void leave() {
    const std::string packed = std::exchange(packed_, {}); // nor is it kept while nobody writes
    out_.write(packed);
  }
  BodyWriter& out_;
  GzipWriter gzip_;
  std::string packed_;
};

Response::Write compressing(Response::Write write, int level, Place place) {
  return [write = std::move(write), level, place = std::move(place)](BodyWriter& out) {
    Compressing packed(out, level);
    write(packed);
    packed.end();
  };
}

Response::Write compressing(Response::FilePart file, int level, Place place) {
  return [part = std::make_shared<Response::FilePart>(std::move(file)), level,
          place = std::move(place)](BodyWriter& out) {
    Compressing packed(out, level);
    const auto piece = std::make_unique<std::array<char, step>>();
    for (std::uint64_t sent = 0; sent < part->size;) {
      const ssize_t some = ::pread(
          part->descriptor, piece->data(),
          static_cast<std::size_t>(std::min<std::uint64_t>(part->size - sent, piece->size())),
          static_cast<off_t>(part->offset + sent));
      if (some <= 0)
        throw std::runtime_error("grove: http: the file has become shorter");
      packed.write_more({piece->data(), static_cast<std::size_t>(some)});
      sent += static_cast<std::size_t>(some);
      yield();
    }
    packed.end();
  };
}

std::string compressed(std::string_view text, int level) {
  std::string packed;
  const auto append = [&packed](std::string_view piece) { packed += piece; };
  GzipWriter gzip(level, false);
  while (text.size() > step) {
    gzip.write(text.substr(0, step), GzipWriter::Flush::later, append);
    text.remove_prefix(step);
    yield(); // others have their turn
  }
  gzip.write(text, GzipWriter::Flush::end, append);
  return packed;
}

void add_vary(Fields& fields) {
  if (fields.lists("Vary", "*") || fields.lists("Vary", "Accept-Encoding"))
    return;
  const std::string vary = fields.joined("Vary");
  fields.set("Vary", vary.empty() ? "Accept-Encoding" : vary + ", Accept-Encoding");
}

void make_etag_weak(Fields& fields) {
  const auto tag = fields.get("ETag");
  if (tag && !tag->starts_with("W/"))
    fields.set("ETag", "W/" + std::string(*tag));
}

void compress(Response& response, int level, Place place) {
  auto& body = response.body();
  if (const auto* text = std::get_if<std::string>(&body)) {
    std::string packed = compressed(*text, level);
    if (packed.size() >= text->size())
      return;
    body = std::move(packed);
  } else if (auto* part = std::get_if<Response::FilePart>(&body)) {
    body = compressing(std::move(*part), level, std::move(place));
  } else {
    body = compressing(std::move(std::get<Response::Write>(body)), level, std::move(place));
  }
  Fields& fields = response.fields();
  fields.remove("Content-Length"); // which a writer may have given
  fields.remove("Accept-Ranges");
  fields.set("Content-Encoding", "gzip");
  make_etag_weak(fields);
}

class Inflating final : public detail::BodySource {
public:
  Inflating(detail::BodySource& source, std::unique_ptr<detail::BodySource> owned,
            std::uint64_t limit, Place place)
      : source_(source), owned_(std::move(owned)), place_(std::move(place)), left_(limit),
        limit_(limit) {}

  std::size_t read_body(std::span<char> into) override {
    std::size_t size = 0;
    try {
      size = gzip_.read(into, [this](std::span<char> more) { return source_.read_body(more); });
    } catch (const detail::BrokenGzip& broken) {
      throw Error(400, std::string("the body: ") + broken.what());
    }
    if (size > left_) {
      left_ = 0; // whoever goes on reading is told again
      throw Error(413, "the body is longer than " + std::to_string(limit_) + " bytes");
    }
    left_ -= size;
    return size;
  }

private:
  detail::BodySource& source_;
  std::unique_ptr<detail::BodySource> owned_;
  Place place_;
  GzipReader gzip_;
  std::uint64_t left_;
  std::uint64_t limit_;
};

} // namespace

Gzip::Gzip(GzipOptions options)
    : options_(options), places_(std::make_shared<detail::GzipPlaces>()) {
  if (options.level < 1 || options.level > 9)
    throw std::invalid_argument("grove: http: Gzip: the level is not 1 to 9");
}

Response Gzip::operator()(Request& request, const Handler& next) const {
  const std::string coding = request.fields().joined("Content-Encoding");
  if (request.has_body() && !coding.empty() && !equals_ignoring_case(coding, "identity")) {
    if (!equals_ignoring_case(coding, "gzip") && !equals_ignoring_case(coding, "x-gzip"))
      throw Error(415, "a content coding other than gzip", {{"Accept-Encoding", "gzip"}});
    Place place = take_place(places_, &detail::GzipPlaces::inflating, options_.inflating);
    if (place == nullptr)
      throw Error(503, "too many bodies are inflated at this moment", {{"Retry-After", "1"}});
    RequestAccess::read_through<Inflating>(request, options_.max_inflated, std::move(place));
  }
  Response response = next(request);
  const bool taken = takes_gzip(request.fields());
  if (response.status() == 304) { // for what was perhaps compressed: weak tags match strong ones
    if (taken)
      make_etag_weak(response.fields());
  } else if (is_for_gzip(response, options_.min_size)) {
    add_vary(response.fields());
    Place place;
    if (taken)
      place = take_place(places_, &detail::GzipPlaces::compressing, options_.compressing);
    if (place != nullptr)
      compress(response, options_.level, std::move(place));
  }
  return response;
}

} // namespace grove::http
