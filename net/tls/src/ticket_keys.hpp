// SPDX-License-Identifier: MIT
// TicketKeys: what a server's session tickets are encrypted with.
#pragma once

#include <openssl/evp.h>

#include <array>
#include <chrono>
#include <mutex>

namespace grove::tls::detail {

// Tickets are made with the newest key, which is replaced when it is as old as a ticket may be; the
// one before still opens what it has made. OpenSSL alone would keep one key for the whole life of
// its context, and with it the secrecy of all that was ever said. Any thread.
class TicketKeys {
public:
  using Clock = std::chrono::steady_clock;
  enum class Use { seal, open };

  explicit TicketKeys(std::chrono::seconds lifetime) : lifetime_(lifetime) {}
  TicketKeys(const TicketKeys&) = delete;
  TicketKeys& operator=(const TicketKeys&) = delete;
  ~TicketKeys();

  // What SSL_CTX_set_tlsext_ticket_key_evp_cb asks for: negative: an error; 0: no such key, a whole
  // handshake; 1: well; 2: well, but with the key of before: the client should get a new ticket.
  int prepare(Use use, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
              EVP_MAC_CTX* mac, Clock::time_point now = Clock::now());

private:
  struct Key {
    std::array<unsigned char, 16> name;
    std::array<unsigned char, 32> cipher;
    std::array<unsigned char, 32> mac;
    Clock::time_point born;
    bool exists = false;
  };
  void rotate(Clock::time_point now);

  std::chrono::seconds lifetime_;
  std::mutex mutex_;
  Key newest_{};
  Key before_{};
};

} // namespace grove::tls::detail
