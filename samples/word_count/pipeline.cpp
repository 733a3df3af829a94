// SPDX-License-Identifier: MIT
// Ventilator, worker and sink.
#include "pipeline.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "alphabet.hpp"
#include "messages.hpp"
#include "word_table.hpp"

namespace word_count {

namespace {

namespace zmq = grove::zmq;

Tally make_tally(std::uint64_t bytes, const WordTable& table) {
  Tally tally;
  tally.bytes = bytes;
  tally.counts.reserve(table.entries().size());
  for (const auto& [word, count] : table.entries()) {
    tally.words.append(word).push_back('\n');
    tally.counts.push_back(count);
  }
  return tally;
}

} // namespace

zmq::Socket make_socket(zmq::SocketType type) {
  zmq::Socket socket(type);
  socket.set(zmq::option::sndhwm, high_water_mark);
  socket.set(zmq::option::rcvhwm, high_water_mark);
  socket.set(zmq::option::linger, std::chrono::milliseconds(0));
  return socket;
}

void ventilate(zmq::Socket& chunks, Input& input, grove::ActorRef<Dictionary> dictionary) {
  std::uint64_t bytes = 0;
  while (std::optional<Piece> piece = input.next()) {
    bytes += piece->text.size();
    if (piece->is_long_word)
      dictionary.ask(LongWord{std::move(piece->text)}); // waits, so that they do not pile up
    else
      chunks.send(zmq::Message::adopt(zmq::encode(Chunk{std::move(piece->text)})));
  }
  dictionary.tell(End{bytes});
}

void work(const Job& job) {
  const Alphabet alphabet(job.words);
  zmq::Socket chunks = make_socket(zmq::SocketType::pull);
  zmq::Socket tallies = make_socket(zmq::SocketType::push);
  chunks.connect(job.chunks);
  tallies.connect(job.tallies);

  WordTable table;
  std::vector<std::string_view> words;
  std::uint64_t bytes = 0;
  const auto pass_on = [&] {
    tallies.send(zmq::Message::adopt(zmq::encode(make_tally(bytes, table))));
    table.clear();
    bytes = 0;
  };

  for (;;) {
    std::optional<zmq::Message> message = chunks.try_recv();
    if (!message) {
      if (bytes > 0)
        pass_on(); // the sink may wait for just these
      message = chunks.recv();
    }
    const auto chunk = zmq::decode<Chunk>(message->bytes());
    words.clear();
    alphabet.for_each_word(chunk.text, [&](std::string_view word) { words.push_back(word); });
    table.add(words);
    bytes += chunk.text.size();
    if (table.memory() >= job.table)
      pass_on();
  }
}

void collect(zmq::Socket& tallies, grove::ActorRef<Dictionary> dictionary) {
  for (;;) {
    const zmq::Message message = tallies.recv();
    dictionary.ask(zmq::decode<Tally>(message.bytes())); // waits, so that the sender feels it
  }
}

} // namespace word_count
