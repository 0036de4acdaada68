// What the runtime sets up once: the dump at exit, SIGQUIT, fatal signals, fork.
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <mutex>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "runtime_hooks/recorder/events.h"
#include "runtime_hooks/recorder/fatal_signals.h"
#include "runtime_hooks/recorder/trace_file.h"
#include "runtime_hooks/scheduler/task_text.h"
#include "runtime_hooks/scheduler/world.h"
#include "stranded/dump.h"
#include "stranded/internal/check_support.h"
#include "stranded/internal/recorder_hooks.h"
#include "stranded/options.h"

namespace stranded::internal {
namespace {

std::atomic<bool> dump_is_written{false};
std::atomic<ReportPrinter> report_printer{nullptr};
sem_t quit_asked;  // posted by the SIGQUIT handler: sem_post may be called there

void SaveDump(const char* reason) {
  const std::string& path = GetOptions().dump;
  if (path.empty()) return;
  DumpOptions options;
  options.reason = reason;
  const absl::Status status = WriteDump(path, options);
  if (!status.ok()) {
    std::fprintf(stderr, "stranded: %s\n", std::string(status.message()).c_str());
  }
}

// The task that came to a dead end, of which a dump tells, and how often it had parked until then.
// Relaxed: read by its own thread.
std::atomic<std::uint64_t> dead_end_of{0}, dead_end_parks{0};

std::atomic<bool> installed{false};

// Behind all destructors of globals and functions of atexit(), and what else is there without a
// priority: they may end tasks.
__attribute__((destructor(102))) void AtExit() {
  if (!installed.load(std::memory_order_relaxed)) return;
  if (forked_child.load(std::memory_order_relaxed)) return;  // dump and trace are the parent's
  if (!dump_is_written.load(std::memory_order_acquire) && !GetOptions().dump.empty()) {
    // Tasks that are about to end are no leaks.
    WaitUntilQuiet(nullptr, absl::Milliseconds(GetOptions().grace_ms));
    SaveDump("exit");
  }
  EndTrace();
}

// Not under the lock of the list of worlds: whoever lets go of a task last runs destructors of the
// program's, which may make a world.
std::string PlainList() {
  std::string text = "stranded: blocked tasks\n";
  for (const std::uint64_t id : WorldIds()) {
    World* const world = PinWorld(id);
    const absl::Cleanup unpin = [world] { world->Unpin(); };
    if (world->id() != id) continue;  // gone meanwhile
    // Its first line says why it is usually called: at a dead end, which this need not be.
    const std::string waits = DescribeWaits(world);
    const std::size_t tasks = waits.find('\n');
    absl::StrAppend(&text, PlainText(world->name()), ":",
                    tasks == std::string::npos ? " none" : waits.substr(tasks), "\n");
  }
  return text;
}

void PrintReport() {
  const ReportPrinter printer = report_printer.load(std::memory_order_acquire);
  DumpOptions options;
  options.reason = "signal SIGQUIT";
  const std::string text = printer == nullptr ? PlainList() : printer(CaptureDump(options));
  std::fputs(text.c_str(), stderr);
}

// Not in the handler: a report takes locks and memory.
void QuitThread() {
  for (;;) {
    if (sem_wait(&quit_asked) != 0) continue;
    if (GetOptions().on_quit != "dump") PrintReport();
    SaveDump("signal SIGQUIT");
  }
}

void InstallQuit() {
  struct sigaction old = {};
  sigaction(SIGQUIT, nullptr, &old);
  // Shells start background jobs with SIGQUIT ignored: that is nobody's choice. A handler is.
  if (old.sa_handler != SIG_DFL && old.sa_handler != SIG_IGN) return;
  sem_init(&quit_asked, 0, 0);
  struct sigaction action = {};
  action.sa_handler = [](int) { sem_post(&quit_asked); };
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  sigaction(SIGQUIT, &action, nullptr);
  StartServiceThread(&QuitThread);
}

}  // namespace

void SetReportPrinter(ReportPrinter printer) {
  report_printer.store(printer, std::memory_order_release);
}

void DumpIsWritten() { dump_is_written.store(true, std::memory_order_release); }

void DumpDeadEnd(World*) {
  if (GetOptions().dump.empty()) return;
  SaveDump("deadlock");
  const Task* self = CurrentTask();
  dead_end_of.store(self->id, std::memory_order_relaxed);
  dead_end_parks.store(self->park_count, std::memory_order_relaxed);
}

bool DiesOfDeadEnd() {
  const Task* self = CurrentTaskOrNull();
  return self != nullptr && self->id == dead_end_of.load(std::memory_order_relaxed) &&
         self->park_count == dead_end_parks.load(std::memory_order_relaxed);
}

void InstallRecorder() {
  static std::once_flag once;
  std::call_once(once, [] {
    if (GetOptions().record == "trace") StartTrace();
    noting.store(GetOptions().record != "off", std::memory_order_relaxed);
    InstallQuit();
    InstallFatalSignals();
    pthread_atfork(&LockRegistry, &UnlockRegistry, [] {
      UnlockRegistry();
      forked_child.store(true, std::memory_order_relaxed);
      LeaveTrace();
    });
    installed.store(true, std::memory_order_relaxed);
  });
}

}  // namespace stranded::internal
