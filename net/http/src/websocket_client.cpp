// SPDX-License-Identifier: MIT
// WebSockets that are asked for.
#include <algorithm>
#include <array>
#include <memory>
#include <utility>

#include <grove/http/error.hpp>
#include <grove/http/websocket.hpp>
#include <grove/hub/exceptions.hpp>

#include "deflate_offer.hpp"
#include "grammar.hpp"
#include "handshake.hpp"
#include "response_parser.hpp"
#include "websocket_core.hpp"

namespace grove::http {

WebSocket connect_websocket(std::unique_ptr<net::Stream> stream, std::string_view host,
                            std::string_view target, const Fields& fields, WebSocketOptions options,
                            Deadline deadline) {
  detail::check(options);
  const std::string key = detail::fresh_key();
  Fields all;
  all.add("Host", host);
  all.add("Upgrade", "websocket");
  all.add("Connection", "Upgrade");
  all.add("Sec-WebSocket-Key", key);
  all.add("Sec-WebSocket-Version", "13");
  std::string protocols;
  for (const std::string& protocol : options.protocols)
    protocols += (protocols.empty() ? "" : ", ") + protocol;
  if (!protocols.empty())
    all.add("Sec-WebSocket-Protocol", protocols);
  if (options.deflate)
    all.add("Sec-WebSocket-Extensions", detail::deflate_offer(options.deflate_window_bits));
  for (const auto field : fields)
    all.add(field.name, field.value);
  if (target.empty() || target.front() != '/' ||
      !std::all_of(target.begin(), target.end(), [](char c) { return c > ' ' && c < 0x7f; }))
    throw std::invalid_argument("grove: connect_websocket: the target is no path");
  std::string head = "GET " + std::string(target) + " HTTP/1.1\r\n";
  for (const auto field : all)
    head += std::string(field.name) + ": " + std::string(field.value) + "\r\n";
  stream->send_all(head + "\r\n", deadline);

  detail::ResponseParser parser{Limits{}};
  ResponseHead answer;
  std::string received;
  while (true) {
    const std::string more = stream->recv(4096, deadline);
    if (more.empty())
      throw BadRequest(502, "the connection ended in the middle of the handshake");
    received += more;
    if (const std::size_t used = parser.head(received, true, answer)) {
      received.erase(0, used);
      break;
    }
  }
  if (answer.status != 101)
    throw Error(answer.status, "the server refuses the WebSocket: " +
                                   std::to_string(answer.status) + " " + answer.reason);
  const auto refuse = [](const char* why) { throw BadRequest(502, why); };
  if (!answer.fields.lists("Upgrade", "websocket") ||
      !answer.fields.lists("Connection", "Upgrade") ||
      answer.fields.get("Sec-WebSocket-Accept", "") != detail::accept_of(key))
    refuse("the answer to the handshake is not that of a WebSocket server");
  detail::Agreement agreement;
  agreement.protocol = answer.fields.joined("Sec-WebSocket-Protocol");
  if (!agreement.protocol.empty() && std::find(options.protocols.begin(), options.protocols.end(),
                                               agreement.protocol) == options.protocols.end())
    refuse("the server chose a sub-protocol that was not offered");
  if (answer.fields.has("Sec-WebSocket-Extensions")) {
    if (!options.deflate ||
        !detail::takes_deflate(answer.fields, options.deflate_window_bits, agreement))
      refuse("the server chose an extension that was not offered");
  }
  net::Stream& connected = *stream;
  return WebSocket(std::make_unique<detail::WebSocketCore>(detail::Side::client, connected,
                                                           std::move(stream), std::move(received),
                                                           std::move(agreement), options));
}

} // namespace grove::http
