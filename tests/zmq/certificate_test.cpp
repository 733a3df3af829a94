// SPDX-License-Identifier: MIT
// Key files: ours, Python's, and those that are not to be trusted.
#include <grove/zmq/certificate.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <grove/hub.hpp>

#include "../support/hub_test.hpp"
#include "../support/python.hpp"

namespace grove::zmq {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

class CertificateTest : public test::HubTest {
protected:
  void SetUp() override {
    static_cast<void>(run_blocking([] { return 0; })); // the pool is there from now on
    HubTest::SetUp();
    std::string name = (std::filesystem::temp_directory_path() / "grove-keys-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override {
    std::filesystem::remove_all(folder_);
    HubTest::TearDown();
  }
  std::string path(const char* name) const { return (folder_ / name).string(); }
  std::string folder() const { return folder_.string(); }
  std::string put(const char* name, const std::string& text) const {
    std::ofstream(folder_ / name) << text;
    ::chmod(path(name).c_str(), 0600);
    return path(name);
  }
  static mode_t mode_of(const std::string& file) {
    struct stat about {};
    EXPECT_EQ(::stat(file.c_str(), &about), 0) << file;
    return about.st_mode & 07777;
  }
  std::vector<std::string> names() const {
    std::vector<std::string> result;
    for (const auto& entry : std::filesystem::directory_iterator(folder_))
      result.push_back(entry.path().filename().string());
    std::sort(result.begin(), result.end());
    return result;
  }
  // The code and the text of what load() throws.
  static std::pair<std::error_code, std::string> refusal(const std::string& file) {
    try {
      static_cast<void>(Certificate::load(file));
    } catch (const std::system_error& error) {
      return {error.code(), error.what()};
    }
    return {{}, "nothing was thrown"};
  }

private:
  std::filesystem::path folder_;
};

const std::string some_key(40, 'a'); // any 40 digits will do as a public key

TEST_F(CertificateTest, what_is_saved_is_loaded_again) {
  const Certificate saved =
      Certificate::of(CurveKeyPair::generate(), {{"name", "a b # c = d"}, {"mail", "x@y"}});
  saved.save(path("mine.key"));
  const Certificate open = Certificate::load(path("mine.key"));
  EXPECT_EQ(open.public_key, saved.public_key);
  EXPECT_FALSE(open.keys.has_value());
  EXPECT_EQ(open.metadata, saved.metadata);
  const Certificate secret = Certificate::load(path("mine.key_secret"));
  EXPECT_EQ(secret.public_key, saved.public_key);
  ASSERT_TRUE(secret.keys.has_value());
  EXPECT_EQ(secret.keys->secret_key(), saved.keys->secret_key());
  EXPECT_EQ(secret.metadata, saved.metadata);
}

TEST_F(CertificateTest, only_the_owner_may_read_the_secret_whatever_the_umask) {
  const mode_t before = ::umask(0);
  const Certificate one = Certificate::of(CurveKeyPair::generate());
  one.save(path("k"));
  ::umask(before);
  EXPECT_EQ(mode_of(path("k")), 0644U);
  EXPECT_EQ(mode_of(path("k_secret")), 0600U);
  // Also in the place of a file that everybody could read.
  ::chmod(path("k_secret").c_str(), 0666);
  one.save(path("k"));
  EXPECT_EQ(mode_of(path("k_secret")), 0600U);
  EXPECT_THAT(names(), ElementsAre("k", "k_secret")); // and nothing half made
}

TEST_F(CertificateTest, a_save_that_fails_leaves_the_old_file_and_nothing_else) {
  const Certificate one = Certificate::of(CurveKeyPair::generate());
  std::filesystem::create_directory(path("k_secret"));
  EXPECT_THROW(one.save(path("k")), std::system_error); // a folder is in the way
  EXPECT_THAT(names(), ElementsAre("k_secret"));
  const std::string text = test::text_of<std::system_error>([&] { one.save(path("no/k")); });
  EXPECT_THAT(text, HasSubstr("save certificate " + path("no/k_secret")));
}

TEST_F(CertificateTest, a_secret_that_others_may_use_is_refused) {
  Certificate::of(CurveKeyPair::generate()).save(path("k"));
  for (const mode_t mode : {0640U, 0604U, 0620U, 0602U, 0644U}) {
    ::chmod(path("k_secret").c_str(), mode);
    const auto [code, text] = refusal(path("k_secret"));
    EXPECT_EQ(code, std::errc::permission_denied) << std::oct << mode;
    EXPECT_THAT(text, HasSubstr("load certificate " + path("k_secret") +
                                " (others may use its secret key; chmod 600)"));
  }
  ::chmod(path("k_secret").c_str(), 0400);
  EXPECT_TRUE(Certificate::load(path("k_secret")).keys.has_value());
}

TEST_F(CertificateTest, malformed_files_are_refused_by_name_and_line) {
  const auto because = [&](const std::string& text, const char* why) {
    const auto [code, what] = refusal(put("bad", text));
    EXPECT_EQ(code, std::errc::bad_message) << text;
    EXPECT_THAT(what, HasSubstr(path("bad")));
    EXPECT_THAT(what, HasSubstr(why)) << text;
  };
  because("", "no public-key");
  because("curve\n", "no public-key");
  because("metadata\n    public-key = \"" + some_key + "\"\n", "no public-key");
  because("curve\n    public-key = \"short\"\n", "line 2: public-key is not 40 characters of Z85");
  because("curve\n    public-key = \"" + some_key + "\n", "line 2"); // the quote does not end
  because("curve\n    public-key = \"" + some_key + "\"\n    public-key = \"" + some_key + "\"\n",
          "line 3: a second public-key");
  because("curve\n    public-key = \"" + some_key + "\"\n    secret-key = \"\"\n", "line 3");
  because(std::string("curve\n    \0", 11), "line 2: a NUL");
  because("curve\n    public-key = \"" + some_key + "\"\n    secret-key = \"" +
              std::string(CurveKeyPair::generate().secret_key()) + "\"\n",
          "belongs to another public key");
}

TEST_F(CertificateTest, what_is_no_such_file_is_refused) {
  EXPECT_EQ(refusal(path("none")).first, std::errc::no_such_file_or_directory);
  EXPECT_EQ(refusal(folder()).first, std::errc::invalid_argument);
  ASSERT_EQ(::mkfifo(path("pipe").c_str(), 0600), 0); // nobody writes to it
  EXPECT_EQ(refusal(path("pipe")).first, std::errc::invalid_argument);
  EXPECT_EQ(refusal(put("huge", std::string(70'000, '#'))).first, std::errc::file_too_large);
}

TEST_F(CertificateTest, metadata_that_could_forge_lines_is_not_written) {
  Certificate one = Certificate::of(CurveKeyPair::generate());
  for (const auto& [name, value] : std::vector<std::pair<std::string, std::string>>{
           {"name", "a\"\ncurve\n"}, {"name", "a\rb"}, {"a\nb", "x"}, {"", "x"}, {"a b", "x"}}) {
    one.metadata = {{name, value}};
    EXPECT_THROW(one.save(path("k")), std::invalid_argument) << name;
  }
  one.metadata.clear();
  one.public_key = some_key; // not that of its keys
  EXPECT_THROW(one.save(path("k")), std::invalid_argument);
  EXPECT_TRUE(names().empty());
}

TEST_F(CertificateTest, a_folder_gives_its_public_keys) {
  const Certificate one = Certificate::of(CurveKeyPair::generate(), {{"name", "one"}});
  const Certificate two = Certificate::of(CurveKeyPair::generate());
  one.save(path("a.key"));
  two.save(path("b.key"));
  put("c.txt", "no key");
  const std::vector<Certificate> loaded = load_certificates(folder());
  ASSERT_EQ(loaded.size(), 2U);
  EXPECT_EQ(loaded[0].public_key, one.public_key);
  EXPECT_EQ(loaded[1].public_key, two.public_key);
  put("d.key", "nonsense");
  EXPECT_THROW(load_certificates(folder()), std::system_error);
  EXPECT_THROW(load_certificates(path("none")), std::system_error);
}

TEST_F(CertificateTest, python_loads_what_we_save) {
  GROVE_NEEDS_PYTHON_ZMQ();
  const Certificate ours = Certificate::of(CurveKeyPair::generate(), {{"name", "ours"}});
  ours.save(path("ours.key"));
  const std::string read = test::python(R"(
import sys, zmq.auth
print(zmq.auth.load_certificate(sys.argv[1]))
print(zmq.auth.load_certificate(sys.argv[1] + '_secret'))
print(list(zmq.auth.load_certificates(sys.argv[2])))
)",
                                        {path("ours.key"), folder()});
  const std::string open = "b'" + ours.public_key + "'",
                    secret = "b'" + std::string(ours.keys->secret_key()) + "'";
  EXPECT_EQ(read, "(" + open + ", None)\n(" + open + ", " + secret + ")\n[" + open + "]\n");
}

TEST_F(CertificateTest, we_load_what_python_saves) {
  GROVE_NEEDS_PYTHON_ZMQ();
  const std::string keys = test::python(R"(
import os, sys, zmq.auth
os.umask(0o077)
public, secret = zmq.auth.create_certificates(sys.argv[1], 'theirs', {'name': 'their name'})
public_key, secret_key = zmq.auth.load_certificate(secret)
print(public_key.decode(), secret_key.decode(), end='')
)",
                                        {folder()});
  const Certificate open = Certificate::load(path("theirs.key"));
  const Certificate secret = Certificate::load(path("theirs.key_secret"));
  ASSERT_TRUE(secret.keys.has_value());
  EXPECT_EQ(open.public_key + " " + std::string(secret.keys->secret_key()), keys);
  EXPECT_THAT(secret.metadata, ElementsAre(Pair("name", "their name")));
}

// load() and save() wait for a thread: a kill or a timeout ends that, and does no harm.
TEST_F(CertificateTest, a_kill_while_the_disk_works_leaves_no_half_files) {
  const Certificate one = Certificate::of(CurveKeyPair::generate());
  for (int round = 0; round < 20; ++round) {
    const auto saving = spawn([&] { one.save(path("k")); });
    const auto loading = spawn([&] { static_cast<void>(load_certificates(folder())); });
    yield();
    saving.kill();
    loading.kill();
    Timeout limit(std::chrono::milliseconds(0));
    try {
      one.save(path("k"));
    } catch (const TimeoutExpired& expired) {
      ASSERT_TRUE(limit.is(expired));
    }
    limit.cancel();
    default_thread_pool().join();
    ASSERT_THAT(names(), ::testing::IsSubsetOf({"k", "k_secret"}));
  }
  one.save(path("k"));
  EXPECT_EQ(Certificate::load(path("k_secret")).keys->secret_key(), one.keys->secret_key());
}

} // namespace
} // namespace grove::zmq
