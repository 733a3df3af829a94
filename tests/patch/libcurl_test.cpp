// SPDX-License-Identifier: MIT
// libcurl's easy interface, as Debian has built it, against nginx.
#include <curl/curl.h>

#include <memory>
#include <string>
#include <vector>

#include <grove/hub/event.hpp>
#include <grove/hub/group.hpp>
#include <grove/patch/patch.hpp>

#include "servers.hpp"
#include "sockets.hpp"

namespace grove::test {
namespace {

// Passes on what is behind /slow/, and counts its own connections.
struct NginxServer {
  TemporaryDirectory folder;
  int port = free_port();
  Server server;

  explicit NginxServer(int upstream)
      : server({find_program("nginx").value(), "-e", "stderr", "-p", folder.path(), "-c",
                configure(upstream)},
               "start worker process ") {}
  std::string url(const std::string& path) const {
    return "http://127.0.0.1:" + std::to_string(port) + path;
  }

private:
  std::string configure(int upstream) const {
    std::string path = folder.path() + "/nginx.conf";
    std::ofstream file(path);
    file << "daemon off; worker_processes 1; pid " << folder.path() << "/pid;\n"
         << (geteuid() == 0 ? "user root;\n" : "")
         << "error_log stderr notice;\nevents { worker_connections 512; }\n"
         << "http {\n  access_log off;\n";
    for (const char* name : {"client_body", "proxy", "fastcgi", "uwsgi", "scgi"})
      file << "  " << name << "_temp_path " << folder.path() << "/" << name << ";\n";
    file << "  server {\n    listen 127.0.0.1:" << port << " backlog=256;\n"
         << "    location /hello { return 200 hello; }\n"
         << "    location /status { stub_status; }\n"
         << "    location /slow/ { proxy_pass http://127.0.0.1:" << upstream << "; }\n"
         << "  }\n}\n";
    return path;
  }
};

std::string get(const std::string& url) {
  const std::unique_ptr<CURL, void (*)(CURL*)> curl(curl_easy_init(), curl_easy_cleanup);
  std::string body;
  curl_easy_setopt(curl.get(), CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl.get(), CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl.get(), CURLOPT_WRITEDATA, &body);
  curl_easy_setopt(
      curl.get(), CURLOPT_WRITEFUNCTION,
      +[](char* data, std::size_t size, std::size_t count, void* to) {
        static_cast<std::string*>(to)->append(data, size * count);
        return size * count;
      });
  const CURLcode result = curl_easy_perform(curl.get());
  patch::deliver();
  if (result != CURLE_OK)
    throw std::runtime_error(curl_easy_strerror(result));
  return body;
}

class LibcurlTest : public HubTest {};

TEST_F(LibcurlTest, downloads_of_one_hub_are_all_under_way_before_the_first_is_answered) {
  GROVE_NEEDS_PROGRAM("nginx");
  constexpr int crowd = 40;
  Listener upstream(256);
  const NginxServer server(upstream.port());
  Event all_are_here;
  std::vector<std::string> bodies;
  Group answering; // nothing, until as many have asked as there are
  scope([&](Group& group) {
    group.spawn([&] {
      for (int i = 0; i < crowd; ++i) {
        const int fd = accept(upstream.fd, nullptr, nullptr);
        answering.spawn([&, fd] {
          char request[4096];
          EXPECT_GT(read(fd, request, sizeof request), 0);
          all_are_here.wait();
          const std::string answer = "HTTP/1.0 200 OK\r\nContent-Length: 4\r\n\r\nslow";
          EXPECT_EQ(write(fd, answer.data(), answer.size()), static_cast<long>(answer.size()));
          close(fd);
        });
      }
      // nginx counts too: those, the one to the status page, and none else.
      const std::string status = get(server.url("/status"));
      const int clients = crowd + 1;
      EXPECT_EQ(status.substr(0, status.find('\n')),
                "Active connections: " + std::to_string(clients) + " ");
      EXPECT_TRUE(bodies.empty());
      all_are_here.set();
      answering.join();
    });
    for (int i = 0; i < crowd; ++i)
      group.spawn([&] { bodies.push_back(get(server.url("/slow/"))); });
  });
  EXPECT_EQ(bodies, std::vector<std::string>(crowd, "slow"));
}

TEST_F(LibcurlTest, a_kill_ends_a_download_and_nothing_is_left_open) {
  GROVE_NEEDS_PROGRAM("nginx");
  Listener upstream;
  const NginxServer server(upstream.port());
  auto download = spawn([&] { get(server.url("/slow/")); });
  const int fd = accept(upstream.fd, nullptr, nullptr);
  download.kill();
  EXPECT_TRUE(download.killed());
  close(fd);
  EXPECT_EQ(get(server.url("/hello")), "hello");
}

TEST_F(LibcurlTest, a_host_is_found_by_its_name) {
  GROVE_NEEDS_PROGRAM("nginx");
  Listener upstream;
  const NginxServer server(upstream.port());
  EXPECT_EQ(get("http://localhost:" + std::to_string(server.port) + "/hello"), "hello");
}

} // namespace
} // namespace grove::test
