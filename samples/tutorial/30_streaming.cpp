// SPDX-License-Identifier: MIT
// A streaming response: each piece leaves when it is written, as a chunk of its own. Look at it
// with `curl --raw http://127.0.0.1:8000/`.
#include "serve.hpp"

namespace http = grove::http;

namespace {

http::Response application(http::Request&) {
  return http::Response::streaming("text/html", [](http::BodyWriter& body) {
    body.write("<p>Hello");
    body.write("World</p>");
  });
}

} // namespace

int main(int argc, char** argv) {
  return tutorial::serve(application, 8000, "Says hello in two pieces.", argc, argv);
}
