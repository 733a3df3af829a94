// SPDX-License-Identifier: MIT
// Downloads many URLs at the same time with http::Client. samples/patch/downloader.cpp does the
// same, with the same options, through libcurl: see docs/patching.md for how the two compare.
#include <array>
#include <chrono>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <vector>

#include <grove/http/client.hpp>

#include "common.hpp"

namespace {

namespace http = grove::http;

struct Options {
  std::vector<std::string> urls;
  std::size_t at_once = 10;
  long seconds = 60;
};

// How many bytes it has.
std::size_t download(http::Client& client, const std::string& url) {
  http::ClientResponse response = client.get(url);
  if (!response.ok())
    throw std::runtime_error(fmt::format("the server says {}", response.status()));
  std::array<char, 16 * 1024> piece{};
  std::size_t bytes = 0;
  while (const std::size_t n = response.read(piece))
    bytes += n;
  return bytes;
}

int run(const Options& options) {
  http::Client client({.connections_per_origin = options.at_once});
  int failed = 0;
  grove::Pool pool(static_cast<std::ptrdiff_t>(options.at_once));
  for (const std::string& url : options.urls) {
    pool.spawn([&] {
      try {
        const grove::Timeout limit(std::chrono::seconds(options.seconds),
                                   grove::TimeoutError("it takes too long"));
        fmt::print("downloader: {}: {} bytes\n", url, download(client, url));
      } catch (const std::exception& error) {
        fmt::print("downloader: {}: {}\n", url, error.what());
        ++failed;
      }
    });
  }
  pool.join();
  return failed == 0 ? 0 : 1;
}

} // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app{"Downloads URLs, several at a time, and tells how long they are."};
  app.add_option("URL", options.urls, "what to download")->required();
  app.add_option("--at-once", options.at_once, "so many at a time")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  app.add_option("--timeout", options.seconds, "seconds for each")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  return sample::run(app, argc, argv, [&] { return run(options); });
}
