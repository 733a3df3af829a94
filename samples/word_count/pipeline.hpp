// SPDX-License-Identifier: MIT
// The greenlets of the pipeline: ventilator -> workers -> sink.
#pragma once

#include <cstddef>
#include <string>

#include <grove/actors.hpp>
#include <grove/zmq.hpp>

#include "dictionary.hpp"
#include "input.hpp"

namespace word_count {

// What bounds the memory, beside the dictionary: so many messages of about a chunk each wait on
// either side of a connection, then send() waits; and what the workers' tables take together.
inline constexpr std::size_t chunk_size = 64 * 1024;
inline constexpr int high_water_mark = 2;
inline constexpr std::size_t all_tables = 16 * 1024 * 1024;

// What a worker must know; it goes to other threads and, in words, to other processes.
struct Job {
  std::string words;   // the name of the alphabet
  std::string chunks;  // where text comes from: tcp://127.0.0.1:PORT
  std::string tallies; // where counts go
  std::size_t table;   // bytes; a worker passes its counts on when they take more
};

// A socket of the pipeline. What it still holds when it is closed is of no use to anybody.
grove::zmq::Socket make_socket(grove::zmq::SocketType type);

// Hands out all the text, then tells the dictionary how much that was.
void ventilate(grove::zmq::Socket& chunks, Input& input, grove::ActorRef<Dictionary> dictionary);

// Counts the words of one chunk after the other until it is killed.
void work(const Job& job);

// Brings what the workers have counted to the dictionary until it is killed.
void collect(grove::zmq::Socket& tallies, grove::ActorRef<Dictionary> dictionary);

} // namespace word_count
