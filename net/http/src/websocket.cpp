// SPDX-License-Identifier: MIT
// WebSocket, and how a server agrees to one.
#include <grove/http/websocket.hpp>

#include <algorithm>
#include <memory>
#include <stdexcept>
#include <utility>

#include <grove/http/error.hpp>

#include "deflate_offer.hpp"
#include "handshake.hpp"
#include "utf8.hpp"
#include "websocket_core.hpp"

namespace grove::http {

WebSocket::WebSocket(std::unique_ptr<detail::WebSocketCore> core) : core_(std::move(core)) {}
WebSocket::WebSocket(WebSocket&&) noexcept = default;
WebSocket& WebSocket::operator=(WebSocket&&) noexcept = default;
WebSocket::~WebSocket() = default;

std::optional<WebSocket::Message> WebSocket::recv(Deadline deadline) {
  return core_->recv(deadline);
}
void WebSocket::send_text(std::string_view text, Deadline deadline) {
  if (!detail::is_utf8(text))
    throw std::invalid_argument("grove: WebSocket.send_text: the text is not UTF-8");
  core_->send(detail::Opcode::text, text, deadline);
}
void WebSocket::send_binary(std::string_view data, Deadline deadline) {
  core_->send(detail::Opcode::binary, data, deadline);
}
void WebSocket::ping(std::string_view data) {
  if (data.size() > detail::most_control)
    throw std::invalid_argument("grove: WebSocket.ping: more than 125 bytes");
  core_->send(detail::Opcode::ping, data, {});
}
void WebSocket::close(std::uint16_t code, std::string_view reason) {
  if (!detail::is_close_code(code))
    throw std::invalid_argument("grove: WebSocket.close: " + std::to_string(code) +
                                " must not be sent");
  if (reason.size() > 123 || !detail::is_utf8(reason))
    throw std::invalid_argument("grove: WebSocket.close: a reason is UTF-8 of at most 123 bytes");
  core_->close(code, reason);
}
bool WebSocket::is_open() const { return core_->is_open(); }
std::uint16_t WebSocket::close_code() const { return core_->close_code(); }
std::string WebSocket::close_reason() const { return core_->close_reason(); }
std::string_view WebSocket::protocol() const { return core_->protocol(); }

Response accept_websocket(Request& request, std::function<void(WebSocket&)> serve,
                          WebSocketOptions options) {
  using detail::Agreement;
  detail::check(options);
  const std::string accept = detail::checked_key(request);
  detail::check_origin(request, options.origins);
  Agreement agreement;
  agreement.protocol = detail::chosen_protocol(request.fields(), options.protocols);
  std::string extension;
  if (options.deflate)
    extension = detail::accept_deflate(request.fields(), options.deflate_window_bits, agreement);

  const std::string protocol = agreement.protocol;
  Response response = Response::upgrade(
      "websocket", [serve = std::move(serve), options = std::move(options),
                    agreement = std::move(agreement)](net::Stream& stream, std::string received) {
        WebSocket socket(std::make_unique<detail::WebSocketCore>(
            detail::Side::server, stream, nullptr, std::move(received), agreement, options));
        try {
          serve(socket);
        } catch (const std::exception&) {
          socket.close(1011);
          throw;
        }
        socket.close(1000);
      });
  response.set("Sec-WebSocket-Accept", accept);
  if (!protocol.empty())
    response.set("Sec-WebSocket-Protocol", protocol);
  if (!extension.empty())
    response.set("Sec-WebSocket-Extensions", extension);
  return response;
}

} // namespace grove::http
