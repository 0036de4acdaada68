// Runs small programs that die, are asked for a report, or fork. STRANDED_TEST_PROGRAMS is the
// directory they were built in.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

#include "runtime_hooks/scheduler/sanitizers.h"
#include "tests/runtime/dump_test_support.h"

namespace stranded {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

// A child process with its three standard streams in our hands.
class Child {
 public:
  Child(const std::string& program, const std::string& argument, const std::string& options) {
    const std::string path = std::string(STRANDED_TEST_PROGRAMS) + "/" + program;
    int in[2], out[2], err[2];
    if (pipe2(in, O_CLOEXEC) + pipe2(out, O_CLOEXEC) + pipe2(err, O_CLOEXEC) != 0) std::abort();
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in[0], 0);
    posix_spawn_file_actions_adddup2(&actions, out[1], 1);
    posix_spawn_file_actions_adddup2(&actions, err[1], 2);
    std::vector<char*> args = {const_cast<char*>(path.c_str()), const_cast<char*>(argument.c_str()),
                               nullptr};
    const std::string setting = "STRANDED_OPTIONS=" + options;
    std::vector<char*> environment = {const_cast<char*>(setting.c_str())};
    for (char** e = environ; *e != nullptr; ++e) {
      if (std::strncmp(*e, "STRANDED_OPTIONS=", 17) != 0) environment.push_back(*e);
    }
    environment.push_back(nullptr);
    const int failed =
        posix_spawn(&pid_, path.c_str(), &actions, nullptr, args.data(), environment.data());
    posix_spawn_file_actions_destroy(&actions);
    close(in[0]);
    close(out[1]);
    close(err[1]);
    in_ = in[1];
    out_ = out[0];
    err_ = err[0];
    if (failed != 0) ADD_FAILURE() << "cannot start " << path << ": " << std::strerror(failed);
  }
  ~Child() {
    close(out_);
    close(err_);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  void Signal(int signal) const { kill(pid_, signal); }
  void EndInput() const { close(in_); }
  // Reads until `what` has come, or the stream has ended.
  std::string OutUntil(const std::string& what) const { return ReadUntil(out_, what); }
  std::string ErrUntil(const std::string& what) const { return ReadUntil(err_, what); }
  int Wait() const {
    int status = -1;
    waitpid(pid_, &status, 0);
    return status;
  }

 private:
  static std::string ReadUntil(int fd, const std::string& what) {
    std::string text;
    char c = 0;
    while (text.find(what) == std::string::npos && read(fd, &c, 1) == 1) text += c;
    return text;
  }
  pid_t pid_ = -1;
  int in_ = -1, out_ = -1, err_ = -1;
};

const std::string kAll(1, '\0');  // never comes: reads to the end

bool SanitizerHandlesSignals() {
#if defined(STRANDED_ASAN) || defined(STRANDED_TSAN)
  return true;
#else
  return false;
#endif
}

TEST(SignalsTest, DumpAtExit) {
  const TemporaryDir dir;
  const Child child("dump_at_exit", "", "grace_ms=100:dump=" + dir.File("d"));
  child.EndInput();
  EXPECT_EQ(child.ErrUntil(kAll), "");
  EXPECT_EQ(child.Wait(), 0);
  EXPECT_EQ(dir.entries(), 1u);
  ASSERT_GT(WholePackets(ReadFile(dir.File("d"))).size(), 3u);
  if (!HaveProtoc()) GTEST_SKIP() << "protoc is not installed";
  const std::string text = DecodeWithProtoc(ReadFile(dir.File("d")));
  EXPECT_THAT(text, HasSubstr("reason: \"exit\""));
  EXPECT_THAT(PacketsWith(text, "task", "name: \"left behind\""), SizeIs(1));
}

TEST(SignalsTest, DumpThatCannotBeWrittenIsNamed) {
  const Child child("dump_at_exit", "", "grace_ms=100:dump=/no/such/directory/d");
  child.EndInput();
  EXPECT_THAT(child.ErrUntil(kAll), HasSubstr("/no/such/directory/d"));
  EXPECT_EQ(child.Wait(), 0);
}

TEST(SignalsTest, QuitPrintsAndTheProgramGoesOn) {
#ifdef __SANITIZE_THREAD__
  GTEST_SKIP() << "ThreadSanitizer holds the signal back while main reads";
#endif
  const Child child("sigquit", "", "");
  EXPECT_EQ(child.OutUntil("ready\n"), "ready\n");
  // More than once, but for TSan, which holds back a second signal while read() blocks.
  const int rounds = SanitizerHandlesSignals() ? 1 : 3;
  for (int i = 0; i < rounds; ++i) {
    child.Signal(SIGQUIT);
    const std::string text = child.ErrUntil("waits for ever");
    EXPECT_THAT(text, HasSubstr("waits for ever"));
    EXPECT_THAT(text, Not(HasSubstr("deadlock")));  // main may still act
  }
  child.EndInput();
  EXPECT_EQ(child.OutUntil("went on\n"), "went on\n");
  EXPECT_EQ(child.Wait(), 0);
}

void ExpectCrashDump(const char* how, int signal, const char* reason) {
  const TemporaryDir dir;
  const Child child("crash_dump", how, "dump=" + dir.File("d"));
  child.EndInput();
  EXPECT_THAT(child.ErrUntil(kAll), HasSubstr("dump written to " + dir.File("d")));
  const int status = child.Wait();
  EXPECT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(WTERMSIG(status), signal);
  EXPECT_EQ(dir.entries(), 1u);
  const std::string dump = ReadFile(dir.File("d"));
  ASSERT_GT(WholePackets(dump).size(), 3u);
  if (!HaveProtoc()) GTEST_SKIP() << "protoc is not installed";
  const std::string text = DecodeWithProtoc(dump);
  EXPECT_THAT(text, HasSubstr(std::string("reason: \"") + reason + "\""));
  const auto parked = PacketsWith(text, "task", "name: \"parked at the crash\"");
  ASSERT_THAT(parked, SizeIs(1));
  EXPECT_THAT(parked[0], HasSubstr("kind: CHAN_RECV"));
#if defined(__x86_64__)
  EXPECT_THAT(parked[0], HasSubstr("pcs: "));
#endif
}

TEST(SignalsTest, AbortWritesADump) {
  if (SanitizerHandlesSignals()) GTEST_SKIP() << "the sanitizer's own handlers stay";
  ExpectCrashDump("abort", SIGABRT, "fatal SIGABRT");
}

TEST(SignalsTest, SegmentationFaultWritesADump) {
  if (SanitizerHandlesSignals()) GTEST_SKIP() << "the sanitizer's own handlers stay";
  ExpectCrashDump("segv", SIGSEGV, "fatal SIGSEGV");
}

TEST(SignalsTest, DamagedStackDoesNotCostTheDump) {
  if (SanitizerHandlesSignals()) GTEST_SKIP() << "the sanitizer's own handlers stay";
  const TemporaryDir dir;
  const Child child("crash_dump", "damaged", "dump=" + dir.File("d"));
  child.EndInput();
  EXPECT_THAT(child.ErrUntil(kAll), HasSubstr("dump written to "));
  EXPECT_EQ(WTERMSIG(child.Wait()), SIGABRT);
  if (!HaveProtoc()) GTEST_SKIP() << "protoc is not installed";
  EXPECT_THAT(PacketsWith(DecodeWithProtoc(ReadFile(dir.File("d"))), "task",
                          "name: \"parked at the crash\""),
              SizeIs(1));
}

TEST(SignalsTest, StackOverflowNamesTheTask) {
  if (SanitizerHandlesSignals()) GTEST_SKIP() << "the sanitizer's own handlers stay";
  const Child child("crash_dump", "overflow", "");
  child.EndInput();
  const std::string text = child.ErrUntil(kAll);
  EXPECT_THAT(text, HasSubstr("stack overflow in task "));
  EXPECT_THAT(text, HasSubstr("\"too deep\", spawned at "));
  EXPECT_THAT(text, HasSubstr("crash_dump.cc:"));
  EXPECT_THAT(text, HasSubstr("stack_bytes"));
  const int status = child.Wait();
  EXPECT_TRUE(WIFSIGNALED(status));
}

TEST(SignalsTest, SpawnInAForkedChildSaysWhyItCannot) {
  const Child child("crash_dump", "fork", "");
  child.EndInput();
  EXPECT_THAT(child.ErrUntil(kAll), HasSubstr("child of a fork"));
  const int status = child.Wait();
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 7);
}

}  // namespace
}  // namespace stranded
