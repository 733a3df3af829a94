// SPDX-License-Identifier: MIT
// GreenletLocal in a server: what a request is, for whatever is called while it is handled. Look at
// it with `curl http://127.0.0.1:8000/`.
#include <chrono>
#include <string>

#include "serve.hpp"

using namespace std::chrono_literals;
namespace http = grove::http;

namespace {

struct Current {
  std::string remote_addr;
};
const grove::GreenletLocal<Current> request;

std::string logic() {
  grove::sleep(10ms); // other requests come and go meanwhile
  return "Hello " + request->remote_addr;
}

http::Response application(http::Request& incoming) {
  request.set({incoming.client()});
  return {logic(), http::html};
}

} // namespace

int main(int argc, char** argv) {
  return tutorial::serve(application, 8000, "Says hello by the address that a request came from.",
                         argc, argv);
}
