// SPDX-License-Identifier: MIT
// File: one turn for reading, writing and seeking of a regular file; who may still use its number.
#include <cerrno>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>

#include <fcntl.h>
#include <unistd.h>

#include <grove/hub/file.hpp>
#include <grove/hub/greenlet.hpp>
#include <grove/hub/hub.hpp>
#include <grove/hub/hub_thread.hpp>
#include <grove/hub/thread_pool.hpp>
#include <grove/hub/timeout.hpp>

#include "../support/blocking_call.hpp"
#include "../support/busy_threads.hpp"
#include "../support/hub_test.hpp"
#include "../support/temporary_file.hpp"

namespace grove::test {
namespace {

bool is_open(int fd) { return fcntl(fd, F_GETFD) >= 0; }

// -- rows of the blocking matrix: files that threads work on ------------------------------------

// No thread is free until it is told.
class NoThreadFree : public BlockingCall {
public:
  NoThreadFree() { again(); }

private:
  void release() override { busy_->let_go(); }
  void again() override { busy_.emplace(); }
  bool direct() const override { return false; }
  bool get_like() const override { return true; }

protected:
  TemporaryFile place_{"text\n"};
  File file_ = File::own(::open(place_.path().c_str(), O_RDWR | O_CLOEXEC), place_.path());
  std::optional<BusyThreads> busy_;
};
class FileOpen : public NoThreadFree {
  bool call(Deadline deadline) override {
    return File::open(place_.path(), O_RDONLY, 0, deadline).is_open();
  }
};
class FileSync : public NoThreadFree {
  bool call(Deadline deadline) override {
    file_.sync(deadline);
    return true;
  }
};
class FilePread : public NoThreadFree {
  bool call(Deadline deadline) override {
    char into[4];
    return file_.pread(into, 0, deadline) == 4;
  }
};
class FilePwrite : public NoThreadFree {
  bool call(Deadline deadline) override {
    file_.pwrite("text", 0, deadline);
    return true;
  }
};
class FileReadPlace : public NoThreadFree {
  bool call(Deadline deadline) override {
    file_.seek(0);
    return file_.read(4, deadline) == "text";
  }
};
class FileWritePlace : public NoThreadFree {
  bool call(Deadline deadline) override {
    file_.write("text", deadline);
    return true;
  }
};

[[maybe_unused]] const bool rows_added = add_blocking_calls({
    blocking_row<FileOpen>("file_open"),
    blocking_row<FileSync>("file_sync"),
    blocking_row<FilePread>("file_pread"),
    blocking_row<FilePwrite>("file_pwrite"),
    blocking_row<FileReadPlace>("file_read_of_a_regular_file"),
    blocking_row<FileWritePlace>("file_write_of_a_regular_file"),
});

class FilePlaceTest : public HubTest {
protected:
  TemporaryFile place_{"0123456789"};
};

// -- one turn -----------------------------------------------------------------------------------

TEST_F(FilePlaceTest, who_reads_writes_or_seeks_beside_a_reader_is_told) {
  File file = File::open(place_.path(), O_RDWR);
  BusyThreads busy;
  auto reader = spawn([&] { return file.read(4); });
  settle();
  EXPECT_THROW(file.read(1), std::logic_error);
  EXPECT_THROW(file.write("x"), std::logic_error);
  EXPECT_THROW(file.seek(2), std::logic_error);
  busy.let_go();
  EXPECT_EQ(reader.get(), "0123");
  EXPECT_EQ(file.tell(), 4);
  file.write("x");
  EXPECT_EQ(file.seek(0), 0);
  EXPECT_EQ(file.read_all(), "0123x56789");
}

TEST_F(FilePlaceTest, who_reads_or_seeks_beside_a_writer_is_told_what_file_and_call) {
  File file = File::open(place_.path(), O_RDWR);
  BusyThreads busy;
  auto writer = spawn([&] { file.write("abcd"); });
  settle();
  EXPECT_THROW(file.read_line(), std::logic_error);
  try {
    file.seek(0);
    ADD_FAILURE() << "it went";
  } catch (const std::logic_error& error) {
    EXPECT_EQ(error.what(), "grove: File.seek: another greenlet is at work with " + place_.path());
  }
  busy.let_go();
  writer.get();
  EXPECT_EQ(file.read_all(), "456789");
}

TEST_F(FilePlaceTest, places_of_their_own_and_sync_need_no_turn) {
  File file = File::open(place_.path(), O_RDWR);
  BusyThreads busy;
  auto reader = spawn([&] { return file.read(4); });
  auto elsewhere = spawn([&] {
    char two[2];
    EXPECT_EQ(file.pread(two, 8), 2u);
    return std::string(two, 2);
  });
  auto synced = spawn([&] { file.sync(); });
  settle();
  busy.let_go();
  EXPECT_EQ(reader.get(), "0123");
  EXPECT_EQ(elsewhere.get(), "89");
  EXPECT_NO_THROW(synced.get());
}

TEST_F(FilePlaceTest, a_pipe_may_be_read_and_written_at_once) {
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  close(ends[1]);
  File both = File::open("/proc/self/fd/" + std::to_string(ends[0]), O_RDWR);
  close(ends[0]);
  auto reader = spawn([&] { return both.read(1); });
  settle();
  EXPECT_FALSE(reader.ready());
  both.write("x");
  EXPECT_EQ(reader.get(), "x");
}

// -- closing ------------------------------------------------------------------------------------

// Two blocks: the file is closed after the first has come, before its reader goes on.
TEST_F(FilePlaceTest, a_reader_whose_file_was_closed_between_two_blocks_is_told) {
  ErrorLog errors;
  place_.put(std::string(600'000, 'x'));
  File file = File::open(place_.path());
  auto reader = spawn([&] { file.read_all(); });
  settle();
  // This hub stands still until the first block is there, and finds both in its inbox.
  std::thread([] { HubThread().call([] { default_thread_pool().join(); }); }).join();
  detail::post_inline(Hub::current(), [&] { file.close(); });
  EXPECT_THROW(reader.get(), Closed);
}

TEST_F(FilePlaceTest, one_that_goes_where_there_is_no_hub_closes_its_descriptor) {
  for (const bool pipe : {false, true}) {
    int ends[2] = {::open(place_.path().c_str(), O_RDONLY | O_CLOEXEC), -1};
    if (pipe) {
      close(ends[0]);
      ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
    }
    std::optional<File> file;
    HubThread().call([&] { file.emplace(File::own(ends[0])); });
    ASSERT_TRUE(is_open(ends[0]));
    std::thread([&] { file.reset(); }).join();
    EXPECT_FALSE(is_open(ends[0]));
    if (pipe)
      close(ends[1]);
  }
}

TEST_F(FilePlaceTest, one_that_was_borrowed_stays_open_where_there_is_no_hub) {
  const int fd = ::open(place_.path().c_str(), O_RDONLY | O_CLOEXEC);
  std::optional<File> file;
  HubThread().call([&] { file.emplace(File::borrow(fd)); });
  std::thread([&] { file.reset(); }).join();
  EXPECT_TRUE(is_open(fd));
  close(fd);
}

// -- borrowed -----------------------------------------------------------------------------------

// The job is in the system call, or about to make it, when its number becomes somebody else's.
TEST_F(FilePlaceTest, a_job_of_a_borrowed_file_touches_nobody_elses) {
  const TemporaryFile other("other");
  const int fd = ::open(place_.path().c_str(), O_RDWR | O_CLOEXEC);
  std::optional<File> file = File::borrow(fd);
  {
    BusyThreads busy;
    auto writer = spawn([&] {
      const Shield shield; // so that its job is not given up
      file->pwrite("mine", 0);
    });
    settle();
    const int others = ::open(other.path().c_str(), O_RDWR | O_CLOEXEC);
    ASSERT_EQ(dup2(others, fd), fd); // closes it, and takes its number
    close(others);
    busy.let_go();
    writer.get();
  }
  EXPECT_EQ(place_.content(), "mine456789");
  EXPECT_EQ(other.content(), "other");
  file.reset();
  EXPECT_TRUE(is_open(fd));
  close(fd);
}

TEST_F(FilePlaceTest, what_is_borrowed_leaves_no_descriptor_behind) {
  const int fd = ::open(place_.path().c_str(), O_RDWR | O_CLOEXEC);
  const int next = dup(fd); // the lowest that is free
  close(next);
  {
    File file = File::borrow(fd);
    EXPECT_EQ(file.read(2), "01");
    EXPECT_EQ(file.descriptor(), fd);
  }
  const int again = dup(fd);
  EXPECT_EQ(again, next);
  close(again);
  close(fd);
}

// -- errors and limits --------------------------------------------------------------------------

TEST_F(FilePlaceTest, a_negative_place_is_named) {
  File file = File::open(place_.path(), O_RDWR);
  char one[1];
  for (const bool write : {false, true}) {
    try {
      write ? file.pwrite("x", -3) : static_cast<void>(file.pread(one, -3));
      ADD_FAILURE() << "it went";
    } catch (const std::system_error& error) {
      EXPECT_EQ(error.code().value(), EINVAL);
      EXPECT_EQ(
          std::string(error.what()).find((write ? "pwrite " : "pread ") + place_.path() + " at -3"),
          0u)
          << error.what();
    }
  }
}

TEST_F(FilePlaceTest, a_line_beyond_the_limit_is_refused_and_not_taken) {
  place_.put("short\nlonger than that\nend");
  File file = File::open(place_.path());
  EXPECT_EQ(file.read_line({}, 5), "short");
  try {
    file.read_line({}, 15);
    ADD_FAILURE() << "it went";
  } catch (const std::length_error& error) {
    EXPECT_EQ(error.what(),
              "File.read_line: a line of " + place_.path() + " is longer than 15 bytes");
  }
  EXPECT_EQ(file.read_line({}, 16), "longer than that");
  EXPECT_THROW(file.read_line({}, 2), std::length_error);
  EXPECT_EQ(file.read_line({}, 3), "end");
  EXPECT_EQ(file.read_line({}, 0), std::nullopt);
}

} // namespace
} // namespace grove::test
