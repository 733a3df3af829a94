// SPDX-License-Identifier: MIT
// Metrics: numbers for Prometheus.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <grove/http/histogram.hpp>
#include <grove/http/response.hpp>
#include <grove/http/server.hpp>

namespace grove::http {

// Metrics gathers numbers and writes them in Prometheus' text format (0.0.4):
//
//     router.get("/metrics", [&](Request&) {
//       return Metrics().add(server.stats()).gauge("orders_open", "Orders.", orders).response();
//     });
//
// Numbers with one name are told apart by their labels. A value; any thread, one at a time.
// std::invalid_argument for a name or a label that Prometheus would not take (a name that begins
// with "__" is its own), and for the same twice, or of two kinds.
class Metrics {
public:
  using Labels = std::vector<std::pair<std::string, std::string>>; // values: any UTF-8

  // What only grows; its name ends in "_total" by custom.
  Metrics& counter(std::string_view name, std::string_view help, double value,
                   const Labels& labels = {}) {
    return add(name, "counter", help, value, labels);
  }
  Metrics& gauge(std::string_view name, std::string_view help, double value,
                 const Labels& labels = {}) {
    return add(name, "gauge", help, value, labels);
  }
  Metrics& histogram(std::string_view name, std::string_view help, const Histogram& values,
                     const Labels& labels = {});
  // All of a server's, "grove_http_...".
  Metrics& add(const Server::Stats& stats, const Labels& labels = {});

  std::string text() const;
  Response response() const;

private:
  Metrics& add(std::string_view name, std::string_view type, std::string_view help, double value,
               const Labels& labels);
  struct Family {
    std::string name;
    std::string type;
    std::string help;
    // What follows the name ("_sum", labels), and the number, as texts.
    std::vector<std::pair<std::string, std::string>> samples;
  };
  Family& family(std::string_view name, std::string_view type, std::string_view help);
  static void add_sample(Family& family, std::string_view suffix, const Labels& labels,
                         double value);
  std::vector<Family> families_;
};

} // namespace grove::http
