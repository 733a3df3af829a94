// SPDX-License-Identifier: MIT
// Downloads many URLs at the same time with libcurl's easy interface, which blocks: patched, each
// greenlet waits by itself.
#include <curl/curl.h>
#include <fmt/core.h>

#include <cstdio>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <grove/hub.hpp>
#include <grove/patch/patch.hpp>

#include "../options.hpp"

namespace {

struct Options {
  std::vector<std::string> urls;
  std::size_t at_once = 10;
  long seconds = 60;
};

std::size_t count(char*, std::size_t size, std::size_t items, void* bytes) {
  *static_cast<std::size_t*>(bytes) += size * items;
  return size * items;
}

// How many bytes it has.
std::size_t download(const std::string& url, long seconds) {
  const std::unique_ptr<CURL, void (*)(CURL*)> curl(curl_easy_init(), curl_easy_cleanup);
  std::size_t bytes = 0;
  curl_easy_setopt(curl.get(), CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl.get(), CURLOPT_FOLLOWLOCATION, 1L);
  curl_easy_setopt(curl.get(), CURLOPT_FAILONERROR, 1L);
  curl_easy_setopt(curl.get(), CURLOPT_TIMEOUT, seconds);
  curl_easy_setopt(curl.get(), CURLOPT_NOSIGNAL, 1L); // its own limits are no affair of SIGALRM
  curl_easy_setopt(curl.get(), CURLOPT_WRITEFUNCTION, count);
  curl_easy_setopt(curl.get(), CURLOPT_WRITEDATA, &bytes);
  const CURLcode result = curl_easy_perform(curl.get());
  grove::patch::deliver(); // Ctrl-C has made it fail: here it is thrown
  if (result != CURLE_OK)
    throw std::runtime_error(curl_easy_strerror(result));
  return bytes;
}

int run(int argc, char** argv) {
  Options options;
  CLI::App app{"Downloads URLs, several at a time, and tells how long they are."};
  app.add_option("URL", options.urls, "what to download")->required();
  app.add_option("--at-once", options.at_once, "so many at a time")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  app.add_option("--timeout", options.seconds, "seconds for each")->capture_default_str();
  if (const auto status = sample::parse(app, argc, argv))
    return *status;
  grove::patch::all();
  curl_global_init(CURL_GLOBAL_DEFAULT);

  int failed = 0;
  grove::Pool pool(static_cast<std::ptrdiff_t>(options.at_once));
  for (const std::string& url : options.urls) {
    pool.spawn([&] {
      try {
        fmt::print("downloader: {}: {} bytes\n", url, download(url, options.seconds));
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

int main(int argc, char** argv) { return grove::main(argc, argv, run); }
