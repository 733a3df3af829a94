// SPDX-License-Identifier: MIT
// Long polling: a response that goes on for as long as somebody reads it. Look at it with
// `curl -N http://127.0.0.1:8000/`.
#include <chrono>
#include <string>

#include <grove/http/json.hpp>

#include "serve.hpp"

using namespace std::chrono_literals;
namespace http = grove::http;

int main(int argc, char** argv) {
  grove::Channel<std::string> data_source; // while nobody reads, nothing piles up

  grove::Group background;
  background.spawn([&] {
    for (;;) {
      data_source.put("Hello World");
      grove::sleep(1s);
    }
  });

  // Whoever asks waits for what is put there. When he has gone, write() throws, and that is the
  // end.
  const auto ajax_endpoint = [&](http::Request&) {
    return http::Response::streaming("application/json", [&](http::BodyWriter& body) {
      for (const std::string& datum : data_source)
        body.write(http::to_json(datum) + "\n");
    });
  };

  return tutorial::serve(ajax_endpoint, 8000, "Says hello once a second.", argc, argv);
}
