#include "runtime_hooks/recorder/fatal_signals.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstring>

#include "runtime_hooks/recorder/header.h"
#include "runtime_hooks/recorder/modules.h"
#include "runtime_hooks/recorder/snapshot.h"
#include "runtime_hooks/registry/thread_block.h"
#include "runtime_hooks/scheduler/stack_pool.h"
#include "stranded/internal/output_file.h"
#include "stranded/internal/recorder_hooks.h"
#include "stranded/options.h"

namespace stranded::internal {
namespace {

constexpr std::array<int, 5> kFatal = {SIGSEGV, SIGABRT, SIGBUS, SIGFPE, SIGILL};
constexpr std::size_t kAltStack = 256 * 1024;  // unwinding needs room
constexpr std::size_t kGuardPage = 4096;
constexpr unsigned kOthersWaitSeconds = 5;

// Made before anything goes wrong, so that the handler need not allocate.
struct CrashRoom {
  char path[1024];
  char temporary[1040];
  alignas(PacketWriter) unsigned char writer[sizeof(PacketWriter)];
};
CrashRoom* room = nullptr;
std::atomic<pid_t> crashing{0};  // the thread that writes the dump
// Relaxed: set, and called, by the thread that explores.
std::atomic<CrashHook> crash_hook{nullptr};
constexpr unsigned kHookSeconds = 2;  // it may wait for a lock that this thread holds

// Text without stdio: async-signal-safe.
class Line {
 public:
  Line& operator<<(const char* s) {
    while (*s != '\0' && size_ < sizeof text_) text_[size_++] = *s++;
    return *this;
  }
  Line& operator<<(std::uint64_t n) {
    char digits[21];
    int count = 0;
    do digits[count++] = static_cast<char>('0' + n % 10);
    while ((n /= 10) != 0);
    while (count > 0 && size_ < sizeof text_) text_[size_++] = digits[--count];
    return *this;
  }
  ~Line() {
    const ssize_t written = write(STDERR_FILENO, text_, size_);
    (void)written;  // nothing can be done about it here
  }

 private:
  char text_[1024];
  std::size_t size_ = 0;
};

void WriteFd(void* arg, const char* bytes, std::size_t count) {
  const int fd = *static_cast<int*>(arg);
  while (count > 0) {
    const ssize_t n = write(fd, bytes, count);
    if (n <= 0) return;
    bytes += n;
    count -= static_cast<std::size_t>(n);
  }
}

const char* NameOf(int signal) {
  switch (signal) {
    case SIGSEGV: return "fatal SIGSEGV";
    case SIGABRT: return "fatal SIGABRT";
    case SIGBUS: return "fatal SIGBUS";
    case SIGFPE: return "fatal SIGFPE";
    default: return "fatal SIGILL";
  }
}

void SayIfOverflow(const siginfo_t* info) {
  const Task* task = CurrentTaskOrNull();
  if (task == nullptr || task->stack == nullptr) return;
  const auto at = reinterpret_cast<std::uintptr_t>(info->si_addr);
  const auto low = reinterpret_cast<std::uintptr_t>(task->stack->low);
  if (at >= low || at < low - kGuardPage) return;
  Line() << "stranded: stack overflow in task " << task->id << " \"" << task->name().data()
         << "\", spawned at " << task->origin.site.file_name() << ":" << task->origin.site.line()
         << ": its stack has " << static_cast<std::uint64_t>(task->stack->bytes)
         << " bytes; raise SpawnOptions::stack_bytes\n";
}

void SayWritten() { Line() << "stranded: dump written to " << room->path << "\n"; }

void WriteCrashDump(int signal) {
  // A dying program does not wait for a reader of its FIFO.
  const bool direct = IsSpecialFile(room->path);
  int fd = direct ? open(room->path, O_WRONLY | O_APPEND | O_NONBLOCK | O_CLOEXEC)
                  : open(room->temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) return;
  struct stat old {};
  if (direct) {
    fcntl(fd, F_SETFL, O_APPEND);
  } else if (stat(room->path, &old) == 0) {
    fchmod(fd, old.st_mode & 07777);
  }
  auto* writer = new (room->writer) PacketWriter({&WriteFd, &fd});
  WriteHeader(*writer);
  WriteModules(*writer);
  SnapshotOptions options;
  options.reason = NameOf(signal);
  options.crash = true;
  Snapshot(*writer, options).Run();
  close(fd);
  if (!direct) rename(room->temporary, room->path);
  SayWritten();
}

void OnFatal(int signal, siginfo_t* info, void*) {
  // A second fault of this thread ends the process; another thread that dies meanwhile waits for
  // the dump, but not for ever.
  pid_t first = 0;
  const pid_t self = gettid();
  if (crashing.compare_exchange_strong(first, self)) {
    if (signal == SIGSEGV || signal == SIGBUS) SayIfOverflow(info);
    if (CrashHook hook = crash_hook.load(std::memory_order_relaxed); hook != nullptr) {
      alarm(kHookSeconds);
      hook(signal);
      alarm(0);
    }
    if (room != nullptr && signal == SIGABRT && DiesOfDeadEnd()) {
      SayWritten();
    } else if (room != nullptr) {
      WriteCrashDump(signal);
    }
  } else if (first != self) {
    sleep(kOthersWaitSeconds);
  }
  struct sigaction plain = {};
  plain.sa_handler = SIG_DFL;
  sigaction(signal, &plain, nullptr);
  raise(signal);
}

void GiveStackBack(void* memory) {
  stack_t now = {};
  if (sigaltstack(nullptr, &now) == 0 && now.ss_sp == memory) {
    stack_t none = {};
    none.ss_flags = SS_DISABLE;
    sigaltstack(&none, nullptr);
  }
  munmap(memory, kAltStack);
}

}  // namespace

void SetCrashHook(CrashHook hook) { crash_hook.store(hook, std::memory_order_relaxed); }

void PrepareThreadForSignals() {
  stack_t old = {};
  if (sigaltstack(nullptr, &old) == 0 && (old.ss_flags & SS_DISABLE) == 0) return;
  void* memory =
      mmap(nullptr, kAltStack, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return;
  stack_t mine = {};
  mine.ss_sp = memory;
  mine.ss_size = kAltStack;
  sigaltstack(&mine, nullptr);
  AtThreadEnd(&GiveStackBack, memory);
}

void InstallFatalSignals() {
  const std::string path = BehindLinks(GetOptions().dump);
  if (!path.empty() && path.size() < sizeof room->path) {
    room = new CrashRoom;
    std::memcpy(room->path, path.c_str(), path.size() + 1);
    std::memcpy(room->temporary, path.c_str(), path.size());
    std::memcpy(room->temporary + path.size(), ".crash.tmp", 11);
  }
  for (const int signal : kFatal) {
    const bool overflow_only = room == nullptr && GetOptions().explore.empty();
    if (overflow_only && signal != SIGSEGV && signal != SIGBUS) continue;
    struct sigaction old = {};
    sigaction(signal, nullptr, &old);
    if (old.sa_handler != SIG_DFL) continue;
    struct sigaction action = {};
    action.sa_sigaction = &OnFatal;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    sigemptyset(&action.sa_mask);
    sigaction(signal, &action, nullptr);
  }
}

}  // namespace stranded::internal
