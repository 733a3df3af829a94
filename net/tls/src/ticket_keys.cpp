// SPDX-License-Identifier: MIT
#include "ticket_keys.hpp"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>

#include <algorithm>

#include "openssl.hpp"

namespace grove::tls::detail {

TicketKeys::~TicketKeys() {
  OPENSSL_cleanse(&newest_, sizeof newest_);
  OPENSSL_cleanse(&before_, sizeof before_);
}

void TicketKeys::rotate(Clock::time_point now) {
  if (newest_.exists && now - newest_.born < lifetime_)
    return;
  // Nobody asked for as long: what it has made is too old, too.
  before_ = newest_.exists && now - newest_.born < 2 * lifetime_ ? newest_ : Key{};
  newest_.exists =
      RAND_bytes(newest_.name.data(), static_cast<int>(newest_.name.size())) == 1 &&
      RAND_priv_bytes(newest_.cipher.data(), static_cast<int>(newest_.cipher.size())) == 1 &&
      RAND_priv_bytes(newest_.mac.data(), static_cast<int>(newest_.mac.size())) == 1;
  newest_.born = now;
}

int TicketKeys::prepare(Use use, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
                        EVP_MAC_CTX* mac, Clock::time_point now) {
  const std::lock_guard lock(mutex_);
  rotate(now);
  Key* key = &newest_;
  if (use == Use::seal) {
    if (!key->exists || RAND_bytes(iv, EVP_CIPHER_get_iv_length(EVP_aes_256_cbc())) != 1)
      return -1;
    std::copy(key->name.begin(), key->name.end(), name);
  } else {
    const auto is = [&](const Key& k) {
      return k.exists && std::equal(k.name.begin(), k.name.end(), name);
    };
    key = is(newest_) ? &newest_ : is(before_) ? &before_ : nullptr;
    if (key == nullptr)
      return 0;
  }

  static constexpr char digest[] = "sha256";
  OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key->mac.data(), key->mac.size()),
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, const_cast<char*>(digest), 0),
      OSSL_PARAM_construct_end()};
  if (EVP_MAC_CTX_set_params(mac, parameters) != 1 ||
      EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), nullptr, key->cipher.data(), iv,
                        use == Use::seal ? 1 : 0) != 1)
    return -1;
  return key == &newest_ ? 1 : 2;
}

} // namespace grove::tls::detail
