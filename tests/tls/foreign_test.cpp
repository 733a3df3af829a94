// SPDX-License-Identifier: MIT
// Peers that are not ours: OpenSSL's own programs, curl, Python's ssl, sslscan.
#include <chrono>
#include <csignal>
#include <cstdint>
#include <optional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <sys/socket.h>

#include <grove/hub/group.hpp>
#include <grove/hub/process.hpp>
#include <grove/net/listener.hpp>

#include "../support/python.hpp"
#include "tls_test.hpp"

namespace grove::test {
namespace {

using tls::TlsStream;
using tls::Version;

constexpr auto hang = std::chrono::minutes(1);

ProcessOptions talking() {
  return {.in = Stdio::pipe(), .out = Stdio::pipe(), .err = Stdio::to_stdout()};
}
ProcessOptions captured() { return {.out = Stdio::pipe(), .err = Stdio::to_stdout()}; }
bool has(const std::string& program) {
  return run(shell("command -v " + program), captured()).status.success();
}

class ForeignTest : public TlsTest {
protected:
  // What the foreign program is told of us.
  std::string port() const { return std::to_string(listener_.local_address().port()); }
  std::string address() const { return "127.0.0.1:" + port(); }

  // Serves one connection after another with f, which gets the stream, while `work` is done.
  template <class F, class Work>
  void serve(const tls::ServerContext& context, F f, Work work) {
    auto server = spawn([&] {
      for (;;) {
        net::StreamSocket socket = listener_.accept();
        try {
          TlsStream stream = tls::wrap_server(std::move(socket), context);
          f(stream);
        } catch (const std::exception& error) {
          errors_.emplace_back(error.what());
        }
      }
    });
    work();
    server.kill();
    server.join();
  }
  static TlsStream connected(std::uint16_t port, const tls::ClientContext& context) {
    return tls::wrap_client(net::connect(net::Address::loopback(port), hang), context, "localhost",
                            hang);
  }
  static void echo(TlsStream& stream) {
    for (;;) {
      const std::string text = stream.recv(16'384);
      if (text.empty())
        return;
      stream.send_all(text);
    }
  }
  std::string errors() const {
    std::string all;
    for (const std::string& error : errors_)
      all += error + "\n";
    return all;
  }
  static std::string read_until(PipeReader& from, const std::string& wanted) {
    std::string all;
    char piece[4096];
    while (all.find(wanted) == all.npos) {
      const std::size_t n = from.read(piece, hang);
      if (n == 0)
        break;
      all.append(piece, n);
    }
    EXPECT_NE(all.find(wanted), all.npos) << all;
    return all;
  }

  net::Listener listener_{net::Address::loopback()};
  TemporaryFile ca_{root().chain};
  IdentityFiles files_{localhost()};
  std::vector<std::string> errors_;
};

// -- openssl s_client -----------------------------------------------------------------------------

class SClientTest : public ForeignTest {
protected:
  std::vector<std::string> s_client(std::vector<std::string> more = {}) const {
    std::vector<std::string> argv{"openssl",
                                  "s_client",
                                  "-connect",
                                  address(),
                                  "-CAfile",
                                  ca_.path(),
                                  "-servername",
                                  "localhost",
                                  "-verify_hostname",
                                  "localhost",
                                  "-verify_return_error"};
    argv.insert(argv.end(), more.begin(), more.end());
    return argv;
  }
};

TEST_F(SClientTest, talks_to_us_in_both_versions) {
  serve(server_, echo, [&] {
    for (const std::string version : {"-tls1_2", "-tls1_3"}) {
      Process client(s_client({version, "-quiet", "-no_ign_eof"}), talking());
      client.in().write_all("hello\n");
      read_until(client.out(), "hello\n");
      client.in().close();
      EXPECT_TRUE(client.wait(hang).success());
    }
  });
  EXPECT_EQ(errors(), "");
}

TEST_F(SClientTest, is_refused_with_an_old_version) {
  serve(server_, echo, [&] {
    for (const std::string version : {"-tls1", "-tls1_1"}) {
      const auto output = run(s_client({version, "-cipher", "ALL:@SECLEVEL=0"}), captured());
      EXPECT_FALSE(output.status.success());
      EXPECT_NE(output.out.find("alert protocol version"), std::string::npos) << output.out;
    }
  });
  ASSERT_EQ(errors_.size(), 2u) << errors();
  EXPECT_NE(errors_[0].find("unsupported protocol"), std::string::npos) << errors();
}

TEST_F(SClientTest, is_refused_a_cipher_without_forward_secrecy) {
  serve(server_, echo, [&] {
    EXPECT_FALSE(
        run(s_client({"-tls1_2", "-cipher", "AES128-GCM-SHA256:ECDHE-RSA-AES128-SHA"}), captured())
            .status.success());
  });
  EXPECT_NE(errors().find("no shared cipher"), std::string::npos) << errors();
}

// reliability 37
TEST_F(SClientTest, is_not_allowed_to_renegotiate) {
  serve(server_, echo, [&] {
    Process client(s_client({"-tls1_2"}), talking());
    client.in().write_all("hello\n");
    read_until(client.out(), "hello\n");
    client.in().write_all("R\n");
    const auto output = client.communicate({}, hang);
    EXPECT_NE(output.out.find("no renegotiation"), std::string::npos) << output.out;
    EXPECT_FALSE(output.status.success());
  });
}

TEST_F(SClientTest, may_exchange_the_keys_in_the_stream) {
  serve(server_, echo, [&] {
    Process client(s_client({"-tls1_3"}), talking());
    client.in().write_all("before\n");
    read_until(client.out(), "before\n");
    client.in().write_all("K\n"); // and asks us to do the same
    read_until(client.out(), "KEYUPDATE");
    for (const std::string text : {"after\n", "and after that\n"}) {
      client.in().write_all(text);
      read_until(client.out(), text);
    }
    client.in().write_all("k\n"); // and does not
    read_until(client.out(), "KEYUPDATE");
    client.in().write_all("last\n");
    read_until(client.out(), "last\n");
    client.in().write_all("Q\n");
    EXPECT_TRUE(client.communicate({}, hang).status.success());
  });
  EXPECT_EQ(errors(), "");
}

// gevent V11: failure while wrapping does not break the handler
TEST_F(SClientTest, is_served_after_others_who_talk_something_else) {
  serve(server_, echo, [&] {
    for (const std::string& noise : {std::string("GET / HTTP/1.1\r\n\r\n"), std::string("quit\n"),
                                     std::string(1000, '\xff'), std::string(70'000, '\x16')}) {
      net::StreamSocket plain = net::connect(listener_.local_address());
      plain.send_all(noise);
      plain.shutdown_write();
      try {
        while (!plain.recv(1000).empty()) {
        }
      } catch (const std::system_error&) { // it hangs up while we talk
      }
    }
    EXPECT_EQ(errors_.size(), 4u) << errors();
    const auto output = run(s_client({"-brief"}), captured());
    EXPECT_NE(output.out.find("Verification: OK"), std::string::npos) << output.out;
  });
}

TEST_F(SClientTest, resumes_its_session) {
  const TemporaryFile session;
  serve(server_, echo, [&] {
    for (const std::string version : {"-tls1_2", "-tls1_3"}) {
      Process first(s_client({version, "-sess_out", session.path()}), talking());
      first.in().write_all("hello\n");
      read_until(first.out(), "hello\n");
      first.in().write_all("Q\n");
      first.communicate({}, hang);
      Process second(s_client({version, "-sess_in", session.path()}), talking());
      second.in().write_all("again\n");
      const std::string said = read_until(second.out(), "again\n");
      EXPECT_NE(said.find("Reused, TLSv1"), std::string::npos) << said;
      second.in().write_all("Q\n");
      second.communicate({}, hang);
    }
  });
}

// -- openssl s_server -----------------------------------------------------------------------------

class SServerTest : public ForeignTest {
protected:
  // Starts it; the port that it says it got.
  std::uint16_t start(std::vector<std::string> more) {
    std::vector<std::string> argv{"openssl", "s_server",          "-accept", "127.0.0.1:0",
                                  "-cert",   files_.chain.path(), "-key",    files_.key.path()};
    argv.insert(argv.end(), more.begin(), more.end());
    server_program_.emplace(argv, talking());
    const std::string said = read_until(server_program_->out(), "ACCEPT 127.0.0.1:");
    std::string rest = said.substr(said.find("ACCEPT 127.0.0.1:") + 17);
    if (rest.find('\n') == rest.npos)
      rest += server_program_->out().read_line(hang).value_or("");
    return static_cast<std::uint16_t>(std::stoi(rest));
  }
  std::optional<Process> server_program_;
};

TEST_F(SServerTest, talks_to_us_in_both_versions) {
  for (const std::string version : {"-tls1_2", "-tls1_3"}) {
    const std::uint16_t at = start({version, "-rev"});
    TlsStream stream = connected(at, client_);
    EXPECT_EQ(stream.version(), version == "-tls1_2" ? Version::tls_1_2 : Version::tls_1_3);
    stream.send_all("hello\n");
    EXPECT_EQ(stream.recv_exactly(6, hang), "olleh\n");
    stream.close();
    server_program_.reset();
  }
}

TEST_F(SServerTest, chooses_a_protocol_of_ours) {
  tls::ClientOptions options = client_options();
  options.alpn = {"h2", "http/1.1"};
  const std::uint16_t at = start({"-rev", "-alpn", "http/1.1"});
  EXPECT_EQ(connected(at, tls::ClientContext(options)).alpn(), "http/1.1");
}

TEST_F(SServerTest, asks_us_for_a_certificate) {
  const Issued ann = issue({.name = "ann", .purpose = "clientAuth"}, &root());
  const std::uint16_t at =
      start({"-rev", "-Verify", "1", "-verify_return_error", "-CAfile", ca_.path()});
  tls::ClientOptions options = client_options();
  options.identity = ann.identity();
  {
    TlsStream stream = connected(at, tls::ClientContext(options));
    stream.send_all("abc\n");
    EXPECT_EQ(stream.recv_exactly(4, hang), "cba\n");
  }
  const tls::TlsError error = tls_error_of([&] {
    TlsStream stream = connected(at, client_);
    stream.recv(1, hang);
  });
  EXPECT_EQ(error.reason(), Reason::refused) << error.what();
}

// reliability 37, pitfall: a peer that dies says nothing
TEST_F(SServerTest, that_is_killed_leaves_a_truncated_stream) {
  const std::uint16_t at = start({"-rev"});
  TlsStream stream = connected(at, client_);
  stream.send_all("hello\n");
  EXPECT_EQ(stream.recv_exactly(6, hang), "olleh\n");
  server_program_->kill(SIGKILL);
  EXPECT_EQ(tls_error_of([&] { stream.recv(1, hang); }).reason(), Reason::truncated);
}

// -- the others -----------------------------------------------------------------------------------

TEST_F(ForeignTest, curl_gets_a_page_and_knows_us_by_our_authority) {
  const auto page = [](TlsStream& stream) {
    std::string request;
    while (request.find("\r\n\r\n") == request.npos) {
      const std::string more = stream.recv(4096);
      if (more.empty())
        return;
      request += more;
    }
    stream.send_all("HTTP/1.1 200 OK\r\nContent-Length: 8\r\nConnection: close\r\n\r\na page.\n");
  };
  tls::ServerOptions options = server_options();
  options.alpn = {"http/1.1"};
  serve(tls::ServerContext(options), page, [&] {
    const std::string url = "https://localhost:" + port() + "/";
    const auto good =
        run({"curl", "-sS", "--noproxy", "*", "--max-time", "60", "--cacert", ca_.path(), url},
            captured());
    EXPECT_EQ(good.out, "a page.\n");
    const auto stranger =
        run({"curl", "-sS", "--noproxy", "*", "--max-time", "60", url}, captured());
    EXPECT_EQ(stranger.status.code(), 60) << "it does not know us: " << stranger.out;
    const auto other_name = run({"curl", "-sS", "--noproxy", "*", "--max-time", "60", "--cacert",
                                 ca_.path(), "--resolve", "example.org:" + port() + ":127.0.0.1",
                                 "https://example.org:" + port() + "/"},
                                captured());
    EXPECT_EQ(other_name.status.code(), 60) << other_name.out;
  });
}

constexpr const char* python_client = R"(
import socket, ssl, sys
port, ca = int(sys.argv[1]), sys.argv[2]
context = ssl.create_default_context(cafile=ca)
for version in ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3:
    context.maximum_version = version
    with socket.create_connection(('localhost', port), 60) as plain:
        with context.wrap_socket(plain, server_hostname='localhost') as s:
            assert s.getpeercert()['subject'][0][0] == ('commonName', 'localhost')
            data = bytes(range(256)) * 4000
            s.sendall(data[:10])
            got = s.recv(10)
            s.sendall(data[10:])
            while len(got) < len(data):
                got += s.recv(65536)
            assert got == data
            s.unwrap().close()   # waits for our close_notify, too
print('well')
)";

TEST_F(ForeignTest, python_talks_to_us_and_both_part_politely) {
  serve(server_, echo, [&] { EXPECT_EQ(python(python_client, {port(), ca_.path()}), "well\n"); });
  EXPECT_EQ(errors(), "");
}

constexpr const char* python_server = R"(
import socket, ssl, sys
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[1], sys.argv[2])
listener = socket.create_server(('127.0.0.1', 0))
print(listener.getsockname()[1], flush=True)
for how in 'politely', 'rudely':
    plain, _ = listener.accept()
    s = context.wrap_socket(plain, server_side=True)
    s.sendall(s.recv(100))
    if how == 'politely':
        s.unwrap()
    s.close()
)";

TEST_F(ForeignTest, python_ends_politely_and_rudely_and_we_know_which) {
  Process server({"/usr/bin/python3", "-c", python_server, files_.chain.path(), files_.key.path()},
                 talking());
  const auto at = static_cast<std::uint16_t>(std::stoi(server.out().read_line(hang).value_or("0")));
  for (const bool politely : {true, false}) {
    TlsStream stream = connected(at, client_);
    stream.send_all("hello");
    EXPECT_EQ(stream.recv_exactly(5, hang), "hello");
    if (politely)
      EXPECT_EQ(stream.recv(1, hang), "");
    else
      EXPECT_EQ(tls_error_of([&] { stream.recv(1, hang); }).reason(), Reason::truncated);
    stream.close();
  }
  EXPECT_TRUE(server.wait(hang).success());
}

// security 3.1, reliability 37
TEST_F(ForeignTest, sslscan_finds_nothing_old) {
  if (!has("sslscan"))
    GTEST_SKIP() << "apt-get install sslscan";
  std::string said;
  serve(server_, echo, [&] {
    said = run({"sslscan", "--no-colour", "--no-heartbleed", "--sni-name=localhost", address()},
               captured())
               .out;
  });
  for (const char* off :
       {"SSLv2     disabled", "SSLv3     disabled", "TLSv1.0   disabled", "TLSv1.1   disabled",
        "TLSv1.2   enabled", "TLSv1.3   enabled", "Session renegotiation not supported"})
    EXPECT_NE(said.find(off), std::string::npos) << off << "\n" << said;
  // Each that is accepted: ECDHE and AEAD.
  std::istringstream lines(said);
  int accepted = 0;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("Preferred") || line.starts_with("Accepted")) {
      ++accepted;
      EXPECT_TRUE(line.find(" TLS_") != line.npos || line.find(" ECDHE-") != line.npos) << line;
      EXPECT_TRUE(line.find("GCM") != line.npos || line.find("POLY1305") != line.npos) << line;
    }
  }
  EXPECT_GE(accepted, 4) << said;
}

} // namespace
} // namespace grove::test
