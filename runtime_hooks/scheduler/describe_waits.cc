// One line for each blocked task of a world, for the text of GlobalDeadlockError.
#include <string>

#include "absl/strings/str_cat.h"
#include "runtime_hooks/channel/chan_core.h"
#include "runtime_hooks/recorder/freeze.h"
#include "runtime_hooks/scheduler/task_text.h"
#include "runtime_hooks/scheduler/world.h"

namespace stranded::internal {
namespace {

constexpr int kMostLines = 50;

const char* Doing(WaitKind kind) {
  switch (kind) {
    case WaitKind::kChanSend: return "sends on a channel";
    case WaitKind::kChanRecv: return "receives from a channel";
    case WaitKind::kChanSendNil: return "sends on a nil channel";
    case WaitKind::kChanRecvNil: return "receives from a nil channel";
    case WaitKind::kSelect: return "waits in a select";
    case WaitKind::kSelectEmpty: return "waits in a select without cases";
    case WaitKind::kSleep: return "sleeps";
    case WaitKind::kMutexLock: return "locks a mutex";
    case WaitKind::kRwMutexRLock: return "read-locks an RWMutex";
    case WaitKind::kRwMutexLock: return "locks an RWMutex";
    case WaitKind::kWaitGroupWait: return "waits for a WaitGroup";
    case WaitKind::kCondWait: return "waits for a condition";
    case WaitKind::kOnceWait: return "waits for a Once";
    case WaitKind::kSemaphoreAcquire: return "acquires a semaphore";
    case WaitKind::kJoin: return "joins a task";
    default: return "is blocked";
  }
}

// What an ErrGroup waits with is not the program's own.
const char* Doing(const WaitRecord& wait) {
  if (wait.sync == nullptr || wait.sync->role != SyncRole::kErrGroup) return Doing(wait.kind);
  return wait.kind == WaitKind::kSemaphoreAcquire ? "waits for room in an ErrGroup at its limit"
                                                  : "waits for an ErrGroup";
}

std::string Line(const Task* task) {
  std::string line = absl::StrCat("\n  task ", task->id, QuotedName(task));
  absl::StrAppend(&line, " ", Doing(task->wait), " at ", PlaceText(task->wait.site));
  if (task->wait.case_count == 1 && task->wait.cases[0].chan != nullptr) {
    const ChanCore* chan = task->wait.cases[0].chan;
    absl::StrAppend(&line, " (made at ", PlaceText(chan->site), ", capacity ", chan->capacity, ")");
  } else if (task->wait.sync != nullptr) {
    absl::StrAppend(&line, " (made at ", PlaceText(task->wait.sync->site), ")");
  }
  if (!task->is_thread) absl::StrAppend(&line, ", spawned at ", PlaceText(task->origin.site));
  return line;
}

}  // namespace

std::string DescribeWaits(World* world) {
  std::string text = "global deadlock: no task of this world can ever run again";
  int lines = 0;
  TaskSlab().ForEach(
      [&](Task* task) {
        if (task->world != world || lines > kMostLines) return;
        // The one that throws: its wait record is still filled, and nobody else touches it.
        if (task == CurrentTaskOrNull()) {
          if (++lines <= kMostLines) text += Line(task);
          return;
        }
        if (!Freeze(task)) return;
        if (++lines <= kMostLines) text += Line(task);
        Thaw(task);
      },
      [](Task* task) { UnrefTask(task); });
  if (lines > kMostLines) text += "\n  ... and more";
  return text;
}

}  // namespace stranded::internal
