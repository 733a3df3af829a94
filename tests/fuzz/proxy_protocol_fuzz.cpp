// SPDX-License-Identifier: MIT
// Any bytes as a PROXY header, whole and off a stream in pieces: the same header or refusal both
// ways, what was taken is encoded and parsed to the same again, and what follows is left alone.
// Seeds: tests/fuzz/corpus/proxy_protocol.
#include <grove/hub/exceptions.hpp>
#include <grove/net/proxy_protocol.hpp>

#include <sys/socket.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

#include "../support/memory_stream.hpp"
#include "demand.hpp"

namespace {

using grove::net::ProxyError;
using grove::net::ProxyHeader;

constexpr std::size_t limit = 4096;

std::optional<ProxyHeader> parse(std::string_view bytes) {
  try {
    return ProxyHeader::parse(bytes);
  } catch (const ProxyError&) {
    return std::nullopt;
  }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0)
    return 0;
  const std::string bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::size_t piece = data[0] % 16 + 1;

  const std::optional<ProxyHeader> whole = parse(bytes);
  // Of Unix sockets without a name there is nothing to say.
  if (whole && whole->source.family() != AF_UNSPEC &&
      whole->source.family() == whole->destination.family())
    demand(ProxyHeader::parse(whole->encode()) == *whole);

  grove::test::MemoryStream stream(bytes, [piece] { return piece; });
  try {
    const ProxyHeader header = grove::net::read_proxy_header(stream, {}, limit);
    const std::size_t taken = bytes.size() - stream.left();
    demand(taken <= limit && parse(std::string_view(bytes).substr(0, taken)) == header);
    demand(!whole || stream.left() == 0);
  } catch (const ProxyError&) {
    demand(!whole || bytes.size() > limit);
  } catch (const grove::Closed&) {
    demand(!whole && stream.left() == 0);
  }
  return 0;
}
