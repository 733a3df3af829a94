// SPDX-License-Identifier: MIT
// The pages of the chat. {braces} are filled in by the lesson.
#pragma once

#include <string_view>

namespace tutorial {

constexpr std::string_view choose_page = R"(<!DOCTYPE html>
<title>Chat</title>
<h1>Chat</h1>
<form id="choose">
  <input id="uid" placeholder="your name" required autofocus>
  <select id="room">{rooms}</select>
  <button>Enter</button>
</form>
<script>
  const value = (id) => encodeURIComponent(document.getElementById(id).value);
  document.getElementById("choose").onsubmit = (event) => {
    event.preventDefault();
    location.href = "/" + value("room") + "/" + value("uid");
  };
</script>
)";

constexpr std::string_view room_page = R"(<!DOCTYPE html>
<title>Chat: {room}</title>
<h1>{room}</h1>
<ul id="messages">{messages}</ul>
<form id="talk">
  <input id="message" placeholder="what do you say, {uid}?" required autofocus autocomplete="off">
  <button>Send</button>
</form>
<script>
  const [, room, uid] = location.pathname.split("/");
  const message = document.getElementById("message");

  document.getElementById("talk").onsubmit = (event) => {
    event.preventDefault();
    fetch("/put/" + room + "/" + uid,
          {method: "POST", body: new URLSearchParams({message: message.value})});
    message.value = "";
  };

  // Each answer is a message, or [] when there was none for a while. Then we ask again.
  async function poll() {
    for (;;) {
      try {
        const answer = await (await fetch("/poll/" + uid, {method: "POST"})).json();
        if (typeof answer === "string") {
          const line = document.createElement("li");
          line.textContent = answer;
          document.getElementById("messages").append(line);
        }
      } catch {
        await new Promise((resolve) => setTimeout(resolve, 1000)); // the server has gone
      }
    }
  }
  poll();
</script>
)";

} // namespace tutorial
