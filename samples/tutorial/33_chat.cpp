// SPDX-License-Identifier: MIT
// A chat by long polling: a browser asks for its next message, and the request waits in the queue
// of its user until there is one. Look at it with two browsers, at http://127.0.0.1:5000/.
#include <chrono>
#include <cstddef>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include <grove/http/json.hpp>

#include "33_chat_pages.hpp"
#include "serve.hpp"

using namespace std::chrono_literals;
namespace http = grove::http;

namespace {

struct User {
  grove::Queue<std::string> queue;
};

class Room {
public:
  const std::deque<std::string>& backlog() const { return messages_; }
  void subscribe(User& user) { users_.insert(&user); }
  void add(const std::string& message) {
    for (User* user : users_)
      user->queue.put(message);
    messages_.push_back(message);
    if (messages_.size() > 25)
      messages_.pop_front();
  }

private:
  std::set<User*> users_;
  std::deque<std::string> messages_;
};

std::map<std::string, Room> rooms; // there are two of them: see main()
std::map<std::string, User> users; // who has ever entered one

template <class T>
T& find(std::map<std::string, T>& all, const std::string& name) {
  const auto found = all.find(name);
  if (found == all.end())
    throw http::Error(404, "there is no " + name);
  return found->second;
}

std::string escaped(std::string_view text) {
  std::string html;
  for (const char c : text) {
    if (std::string_view(R"(<>&"'{})").find(c) != std::string_view::npos)
      html += "&#" + std::to_string(static_cast<int>(c)) + ";";
    else
      html += c;
  }
  return html;
}

// Puts texts into the {places} of a page.
http::Response render(std::string_view page, const std::map<std::string_view, std::string>& texts) {
  std::string html(page);
  for (const auto& [place, text] : texts) {
    for (std::size_t at = 0; (at = html.find(place, at)) != std::string::npos; at += text.size())
      html.replace(at, place.size(), text);
  }
  return {html, http::html};
}

http::Response choose_name(http::Request&) {
  std::string options;
  for (const auto& [name, room] : rooms)
    options += "<option>" + escaped(name) + "</option>";
  return render(tutorial::choose_page, {{"{rooms}", options}});
}

http::Response join(http::Request&, const std::string& room, const std::string& uid) {
  Room& active = find(rooms, room);
  active.subscribe(users[uid]);
  std::string lines;
  for (const std::string& message : active.backlog())
    lines += "<li>" + escaped(message) + "</li>";
  return render(tutorial::room_page,
                {{"{room}", escaped(room)}, {"{uid}", escaped(uid)}, {"{messages}", lines}});
}

http::Response put(http::Request& request, const std::string& room, const std::string& uid) {
  const http::Query form = request.read_form();
  const auto message = form.get("message");
  if (!message)
    throw http::Error(400, "there is no message in the form");
  find(users, uid);
  find(rooms, room).add(uid + ":" + std::string(*message));
  return "";
}

// The next message, or [] when there is none for ten seconds. Meanwhile others are served.
http::Response next(http::Request&, const std::string& uid) {
  User& user = find(users, uid);
  try {
    return http::json_response(user.queue.get(10s));
  } catch (const grove::TimeoutError&) {
    return http::json_response(boost::json::array());
  }
}

} // namespace

int main(int argc, char** argv) {
  rooms["topic1"];
  rooms["topic2"];

  http::Router app;
  app.get("/", choose_name);
  app.get("/{room}/{uid}", join);
  app.post("/put/{room}/{uid}", put);
  app.post("/poll/{uid}", next);
  return tutorial::serve(app, 5000, "A chat for browsers.", argc, argv);
}
