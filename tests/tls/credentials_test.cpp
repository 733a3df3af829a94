// SPDX-License-Identifier: MIT
// Identities, authorities and what certificates say.
#include <algorithm>
#include <cctype>
#include <cerrno>
#include <chrono>
#include <string>
#include <system_error>
#include <vector>

#include <gmock/gmock.h>

#include <grove/hub/process.hpp>

#include "../support/process_test.hpp"
#include "tls_test.hpp"

namespace grove::test {
namespace {

using tls::Authorities;
using tls::Certificate;
using tls::Identity;

class CredentialsTest : public TlsTest {
protected:
  // What is wrong with it, as its text says.
  template <class F>
  static std::string complaint(F f) {
    const tls::TlsError error = tls_error_of(f);
    EXPECT_EQ(error.phase(), Phase::setup);
    EXPECT_EQ(error.reason(), Reason::setup);
    return error.what();
  }
};

TEST_F(CredentialsTest, a_certificate_tells_its_fields) {
  const Issued made = issue(
      {.name = "ann", .names = {"DNS:a.test", "DNS:*.b.test", "IP:127.0.0.1", "IP:::1"}}, &root());
  const Certificate certificate = Certificate::parse(made.chain);
  EXPECT_EQ(certificate.subject, "CN=ann");
  EXPECT_EQ(certificate.issuer, "CN=Grove's tests");
  EXPECT_EQ(certificate.names,
            (std::vector<std::string>{"a.test", "*.b.test", "127.0.0.1", "::1"}));
  EXPECT_EQ(certificate.pem, made.chain);
  EXPECT_FALSE(certificate.serial.empty());
  EXPECT_EQ(certificate.fingerprint.size(), 64u);
  EXPECT_EQ(certificate.not_after - certificate.not_before, std::chrono::hours(25));
  EXPECT_LT(certificate.not_before, std::chrono::system_clock::now());
}

// What OpenSSL's program makes of it.
TEST_F(CredentialsTest, a_fingerprint_is_that_of_openssl) {
  const TemporaryFile file(localhost().chain);
  std::string said =
      run({"openssl", "x509", "-in", file.path(), "-noout", "-fingerprint", "-sha256"},
          {.out = Stdio::pipe()})
          .out;
  said = said.substr(said.find('=') + 1);
  said.erase(std::remove_if(said.begin(), said.end(), [](char c) { return c == ':' || c == '\n'; }),
             said.end());
  std::transform(said.begin(), said.end(), said.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  EXPECT_EQ(Certificate::parse(localhost().chain).fingerprint, said);
}

TEST_F(CredentialsTest, control_characters_of_a_subject_are_escaped) {
  const Issued made = issue({.name = "a\nb\x1b[31m"}, &root());
  const std::string subject = Certificate::parse(made.chain).subject;
  EXPECT_EQ(subject.find('\n'), subject.npos) << subject;
  EXPECT_EQ(subject.find('\x1b'), subject.npos) << subject;
}

TEST_F(CredentialsTest, an_identity_comes_from_files) {
  const IdentityFiles files(localhost());
  const Identity identity = Identity::from_files(files.chain.path(), files.key.path());
  EXPECT_EQ(identity.certificate().pem, localhost().chain);
  EXPECT_TRUE(shake_hands(client_, tls::ServerContext({.identities = {identity}}))
                  .client.stream.has_value());
}

TEST_F(CredentialsTest, a_file_that_cannot_be_read_is_named) {
  const auto read = [] { Identity::from_files("/nowhere/chain.pem", "/nowhere/key.pem"); };
  EXPECT_EQ(code_of(read), ENOENT);
  EXPECT_EQ(text_of<std::system_error>(read).find("read /nowhere/chain.pem"), 0u);
  EXPECT_EQ(code_of([] { Authorities::from_file("/nowhere/ca.pem"); }), ENOENT);
  EXPECT_EQ(code_of([] { Authorities::from_file("/"); }), EISDIR);
}

TEST_F(CredentialsTest, what_is_malformed_is_told_with_its_file) {
  const IdentityFiles good(localhost());
  const TemporaryFile empty;
  const TemporaryFile noise(
      "-----BEGIN CERTIFICATE-----\nbm9uc2Vuc2U=\n-----END CERTIFICATE-----\n");
  const auto from = [](const TemporaryFile& chain, const TemporaryFile& key) {
    return complaint([&] { Identity::from_files(chain.path(), key.path()); });
  };
  EXPECT_NE(from(empty, good.key).find(empty.path()), std::string::npos);
  EXPECT_NE(from(empty, good.key).find("there is no certificate in it"), std::string::npos);
  EXPECT_NE(from(noise, good.key).find("a certificate is malformed"), std::string::npos);
  EXPECT_NE(from(good.chain, empty).find("the private key is malformed"), std::string::npos);
  EXPECT_NE(complaint([&] { Authorities::from_file(noise.path()); }).find(noise.path()),
            std::string::npos);
  EXPECT_NE(complaint([&] { Authorities::from_pem(""); }).find("no certificate"),
            std::string::npos);
  EXPECT_NE(complaint([&] { Certificate::parse("hello"); }).find("no certificate"),
            std::string::npos);
}

// reliability 37
TEST_F(CredentialsTest, a_truncated_certificate_is_none) {
  const std::string& whole = localhost().chain;
  for (std::size_t size = 0; size < whole.size() - 1; size += 1 + whole.size() / 50) {
    SCOPED_TRACE(size);
    const std::string cut = whole.substr(0, size);
    EXPECT_NE(complaint([&] { Certificate::parse(cut); }).find("certificate"), std::string::npos);
    EXPECT_NE(
        complaint([&] { Identity::from_pem(cut, localhost().private_key); }).find("certificate"),
        std::string::npos);
    EXPECT_NE(complaint([&] { Authorities::from_pem(cut); }).find("certificate"),
              std::string::npos);
  }
}

// reliability 37
TEST_F(CredentialsTest, a_truncated_file_is_named) {
  const IdentityFiles good(localhost());
  const auto half = [](const std::string& whole) { return whole.substr(0, whole.size() / 2); };
  const TemporaryFile chain(half(localhost().chain));
  const TemporaryFile key(half(localhost().private_key));
  EXPECT_THAT(complaint([&] { Identity::from_files(chain.path(), good.key.path()); }),
              ::testing::HasSubstr(chain.path()));
  EXPECT_THAT(complaint([&] { Identity::from_files(good.chain.path(), key.path()); }),
              ::testing::HasSubstr(key.path()));
  EXPECT_THAT(complaint([&] { Authorities::from_file(chain.path()); }),
              ::testing::HasSubstr(chain.path()));
}

TEST_F(CredentialsTest, the_key_of_another_certificate_is_refused) {
  EXPECT_NE(complaint([&] {
              Identity::from_pem(localhost().chain, issue({}).private_key);
            }).find("not that of the certificate"),
            std::string::npos);
}

TEST_F(CredentialsTest, an_encrypted_key_is_refused_without_a_question_at_the_terminal) {
  const IdentityFiles good(localhost());
  const TemporaryFile locked;
  ASSERT_TRUE(run({"openssl", "pkcs8", "-topk8", "-in", good.key.path(), "-out", locked.path(),
                   "-passout", "pass:secret"})
                  .status.success());
  EXPECT_NE(complaint([&] {
              Identity::from_files(good.chain.path(), locked.path());
            }).find("the private key is encrypted"),
            std::string::npos);
}

} // namespace
} // namespace grove::test
