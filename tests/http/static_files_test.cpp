// SPDX-License-Identifier: MIT
#include <grove/http/static_files.hpp>

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <variant>

#include <unistd.h>

#include <grove/http/error.hpp>
#include <grove/http/router.hpp>

#include "../support/temporary_directory.hpp"

namespace grove::http {
namespace {

namespace fs = std::filesystem;

class StaticFilesTest : public ::testing::Test {
protected:
  void SetUp() override {
    root = base_ / "www";
    fs::create_directories(root / "sub");
    write(root / "page.html", "<p>0123456789</p>");
    write(root / "sub/index.html", "index");
    write(root / ".hidden", "hidden");
    write(base_ / "secret", "secret");
    fs::create_symlink("../secret", root / "out");
    fs::create_symlink("page.html", root / "in");
    mkfifo((root / "fifo").c_str(), 0600);
  }
  static void write(const fs::path& path, const std::string& text) {
    std::ofstream(path, std::ios::binary) << text;
  }
  static Response ask(const Handler& handler, std::string target, Fields fields = {},
                      std::string method = "GET") {
    Request request = Request::make(std::move(method), std::move(target), {}, std::move(fields));
    try {
      return handler(request);
    } catch (const Error& error) {
      return Response(error.status());
    }
  }
  static std::string content(const Response& response) {
    const auto* part = std::get_if<Response::FilePart>(&response.body());
    if (part == nullptr)
      return std::string(response.text());
    std::string text(part->size, '\0');
    EXPECT_EQ(pread(part->descriptor, text.data(), text.size(), static_cast<off_t>(part->offset)),
              static_cast<ssize_t>(text.size()));
    return text;
  }
  static Fields with(std::string_view name, std::string_view value) {
    Fields fields;
    fields.add(name, value);
    return fields;
  }
  fs::path root;

private:
  test::TemporaryDirectory directory_;
  fs::path base_ = directory_.path();
};

TEST_F(StaticFilesTest, a_file_is_given_with_its_type) {
  const StaticFiles files(root);
  const Response page = ask(files, "/page.html");
  EXPECT_EQ(page.status(), 200);
  EXPECT_EQ(content(page), "<p>0123456789</p>");
  EXPECT_EQ(page.fields().get("Content-Type"), "text/html; charset=utf-8");
  EXPECT_EQ(page.fields().get("Accept-Ranges"), "bytes");
  EXPECT_EQ(content(ask(files, "/p%61ge.html?x")), "<p>0123456789</p>");
  EXPECT_EQ(content(ask(files, "/in")), "<p>0123456789</p>");
  EXPECT_EQ(content(ask(files, "/sub/")), "index");
  EXPECT_EQ(ask(files, "/sub").fields().get("Location"), "/sub/");
  EXPECT_EQ(ask(files, "/page.html", {}, "POST").status(), 405);
}

TEST_F(StaticFilesTest, no_path_leads_out) {
  const StaticFiles files(root);
  for (const char* target :
       {"/../secret", "/%2e%2e/secret", "/sub/../../secret", "/..%2fsecret", "/out", "/%00",
        "/page.html%00", "/.hidden", "//page.html", "/page.html/", "/fifo", "/nowhere",
        "/sub/nowhere", "/\\..\\secret", "/..%5csecret", "/%zz"}) {
    EXPECT_EQ(ask(files, target).status(), 404) << target;
  }
  EXPECT_EQ(ask(files, "/").status(), 404); // no index there
  StaticFilesOptions options;
  options.hidden = true;
  EXPECT_EQ(content(ask(StaticFiles(root, options), "/.hidden")), "hidden");
}

TEST_F(StaticFilesTest, one_range_is_given) {
  const StaticFiles files(root);
  const auto range = [&](std::string_view text) {
    const Response response = ask(files, "/page.html", with("Range", text));
    return std::to_string(response.status()) + " " + content(response) + " " +
           std::string(response.fields().get("Content-Range", "-"));
  };
  EXPECT_EQ(range("bytes=0-2"), "206 <p> bytes 0-2/17");
  EXPECT_EQ(range("bytes=13-"), "206 </p> bytes 13-16/17");
  EXPECT_EQ(range("bytes=13-99"), "206 </p> bytes 13-16/17");
  EXPECT_EQ(range("bytes=-4"), "206 </p> bytes 13-16/17");
  EXPECT_EQ(range("bytes=-99"), "206 <p>0123456789</p> bytes 0-16/17");
  EXPECT_EQ(range("bytes=17-"), "416  bytes */17");
  EXPECT_EQ(range("bytes=-0"), "416  bytes */17");
  for (const char* whole : {"bytes=2-1", "bytes=a-b", "bytes=", "lines=1-2", "bytes=0-1,3-4",
                            "bytes=-", "bytes=99999999999999999999-"})
    EXPECT_EQ(range(whole), "200 <p>0123456789</p> -") << whole;
}

TEST_F(StaticFilesTest, conditions_hold) {
  const StaticFiles files(root);
  const Response page = ask(files, "/page.html");
  const std::string tag(*page.fields().get("ETag"));
  const std::string date(*page.fields().get("Last-Modified"));
  const auto status = [&](std::string_view name, std::string_view value) {
    return ask(files, "/page.html", with(name, value)).status();
  };
  EXPECT_EQ(status("If-None-Match", tag), 304);
  EXPECT_EQ(status("If-None-Match", "\"x\", W/" + tag), 304);
  EXPECT_EQ(status("If-None-Match", "*"), 304);
  EXPECT_EQ(status("If-None-Match", "\"x\""), 200);
  EXPECT_EQ(status("If-Match", tag), 200);
  EXPECT_EQ(status("If-Match", "W/" + tag), 412);
  EXPECT_EQ(status("If-Match", "\"x\""), 412);
  EXPECT_EQ(status("If-Modified-Since", date), 304);
  EXPECT_EQ(status("If-Modified-Since", "Sun, 06 Nov 1994 08:49:37 GMT"), 200);
  EXPECT_EQ(status("If-Modified-Since", "nonsense"), 200);
  EXPECT_EQ(status("If-Unmodified-Since", "Sun, 06 Nov 1994 08:49:37 GMT"), 412);

  Fields fields = with("Range", "bytes=0-0");
  fields.add("If-Range", "\"other\"");
  EXPECT_EQ(ask(files, "/page.html", fields).status(), 200);
  fields.set("If-Range", tag);
  EXPECT_EQ(ask(files, "/page.html", fields).status(), 206);

  write(root / "page.html", "changed"); // another size
  EXPECT_EQ(status("If-None-Match", tag), 200);
}

TEST_F(StaticFilesTest, is_mounted_in_a_router) {
  Router router;
  router.mount("/static", StaticFiles(root));
  EXPECT_EQ(content(ask(router, "/static/page.html")), "<p>0123456789</p>");
  EXPECT_EQ(ask(router, "/static/sub").fields().get("Location"), "/static/sub/");
  EXPECT_EQ(ask(router, "/page.html").status(), 404);
}

TEST_F(StaticFilesTest, a_directory_that_is_none_is_told) {
  EXPECT_THROW(StaticFiles("/nowhere"), std::system_error);
  EXPECT_THROW(StaticFiles(root / "page.html"), std::system_error);
}

} // namespace
} // namespace grove::http
