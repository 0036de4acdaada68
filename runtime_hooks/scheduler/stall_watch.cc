#include "runtime_hooks/scheduler/stall_watch.h"

#include <time.h>

#include <atomic>
#include <cstdio>
#include <fstream>
#include <map>
#include <mutex>
#include <sstream>
#include <string>
#include <system_error>
#include <vector>

#include "absl/strings/str_cat.h"
#include "runtime_hooks/scheduler/controlled_world.h"
#include "runtime_hooks/scheduler/task_text.h"
#include "stranded/internal/explore_support.h"
#include "stranded/options.h"

namespace stranded::internal {
namespace {

constexpr int kLooksEach = 4;  // a second
// Who computes for long has nothing wrong with it, mostly; who polls for something does so for
// ever.
constexpr int kBusyFactor = 3;

std::atomic<StallHook> stall_hook{nullptr};

struct Stand {
  std::uint64_t steps = 0;
  int looks = 0;         // at which it stood at that step
  int asleep_looks = 0;  // the last ones among them, at which its thread slept
  bool looked_into = false;
  int told_at = 0;  // how many looks, where there was something to tell
};

// Asleep, as the kernel says: the letter behind the name, which is in parentheses.
bool Sleeps(int tid) {
  std::ifstream file(absl::StrCat("/proc/self/task/", tid, "/stat"));
  std::stringstream text;
  text << file.rdbuf();
  const std::string stat = text.str();
  const std::size_t name_ends = stat.rfind(") ");
  if (name_ends == std::string::npos || name_ends + 2 >= stat.size()) return false;
  return stat[name_ends + 2] == 'S' || stat[name_ends + 2] == 'D';
}

std::string Where(const Task* task) {
  const std::source_location last = task->last_site.load(std::memory_order_relaxed);
  const bool began = last.line() != 0;
  const std::source_location& site = began ? last : task->origin.site;
  if (site.line() == 0) return "";
  return absl::StrCat(
      began ? ", after its operation at " : ", before its first operation; spawned at ",
      PlaceText(site));
}

std::string WaitOf(const Task* task) {
  const bool region = task->in_blocking_region.load(std::memory_order_relaxed);
  const bool entered = task->last_kind.load(std::memory_order_relaxed) == WaitKind::kBlockingRegion;
  if (region && entered) {
    return absl::StrCat(" waits in the BlockingRegion at ",
                        PlaceText(task->last_site.load(std::memory_order_relaxed)));
  }
  return absl::StrCat(" waits ",
                      region ? "in a BlockingRegion" : "for something the runtime does not know",
                      Where(task));
}

std::string WorkOf(const Task* task) {
  return absl::StrCat(" is busy and does nothing the scheduler sees", Where(task));
}

// The task that runs in `world`, and what it does; empty if none does: then the world itself waits.
std::string RunningTask(std::uint64_t world, std::string (*what)(const Task*)) {
  std::string text;
  TaskSlab().ForEach(
      [&](Task* task) {
        const std::uint32_t state = task->state.load(std::memory_order_acquire) & Task::kStateMask;
        const bool in_it = task->world_id.load(std::memory_order_relaxed) == world;
        if (in_it && state == Task::kRunning && text.empty()) {
          text = absl::StrCat("task ", task->id, QuotedName(task), what(task));
        }
      },
      [](Task* task) { UnrefTask(task); });
  return text;
}

// False where none runs: the world itself waits, for what may come from outside.
bool Tell(int seconds, const std::string& running, const char* advice) {
  if (running.empty()) return false;
  const std::string text = absl::StrCat(
      "stranded: a controlled world has stood still for ", seconds, " s: ", running, ".\n", advice,
      "  (STRANDED_OPTIONS=schedule=threads). SIGQUIT prints all tasks; stall_s=0 ends this.\n");
  std::fputs(text.c_str(), stderr);
  return true;
}

bool TellAsleep(std::uint64_t world, int seconds) {
  return Tell(
      seconds, RunningTask(world, &WaitOf),
      "  Its tasks share one thread: if one of them is to end that wait, it never will.\n"
      "  Mostly a std::mutex was held while another task ran: use stranded::Mutex, or threads\n");
}

bool TellBusy(std::uint64_t world, int seconds) {
  return Tell(
      seconds, RunningTask(world, &WorkOf),
      "  Its tasks share one thread: if it polls for what another one is to do, it never ends.\n"
      "  Then call this_task::Yield() in that loop, or wait for a channel; or use threads\n");
}

struct Seen {
  std::uint64_t id, steps;
  int tid;
};

// Under a spin lock: the files of the kernel are read later.
std::vector<Seen> ControlledWorlds() {
  constexpr std::size_t kMost = 64;
  std::vector<Seen> seen;
  seen.reserve(kMost);
  ForEachWorld(
      [](World* world, void* arg) {
        auto& all = *static_cast<std::vector<Seen>*>(arg);
        const auto* controlled = dynamic_cast<const ControlledWorld*>(world);
        if (controlled == nullptr || controlled->owner_tid() == 0 || all.size() == kMost) return;
        all.push_back({world->id(), controlled->steps(), controlled->owner_tid()});
      },
      &seen);
  return seen;
}

Stand Next(const Stand& before, std::uint64_t steps, bool asleep) {
  const bool stands = before.looks > 0 && before.steps == steps;
  return {.steps = steps,
          .looks = stands ? before.looks + 1 : 1,
          .asleep_looks = !asleep  ? 0
                          : stands ? before.asleep_looks + 1
                                   : 1,
          .looked_into = stands && before.looked_into,
          .told_at = stands ? before.told_at : 0};
}

void Watch(int seconds) {
  constexpr long kBetweenNs = 1000000000 / kLooksEach;
  std::map<std::uint64_t, Stand> before;  // by id of the world
  for (;;) {
    const timespec pause{0, kBetweenNs};
    nanosleep(&pause, nullptr);
    std::map<std::uint64_t, Stand> now;
    for (const Seen& seen : ControlledWorlds()) {
      Stand stand = Next(before[seen.id], seen.steps, Sleeps(seen.tid));
      const bool asleep = stand.asleep_looks >= seconds * kLooksEach;
      const bool busy =
          stand.asleep_looks == 0 && stand.looks >= kBusyFactor * seconds * kLooksEach;
      if (!stand.looked_into && (asleep || busy)) {
        const bool told =
            asleep ? TellAsleep(seen.id, seconds) : TellBusy(seen.id, kBusyFactor * seconds);
        if (told) stand.told_at = stand.looks;
        stand.looked_into = true;
      }
      StallHook const hook = stall_hook.load(std::memory_order_acquire);
      if (hook != nullptr && stand.told_at > 0) {
        hook(seen.id, stand.looks / kLooksEach, (stand.looks - stand.told_at) / kLooksEach);
      }
      now[seen.id] = stand;
    }
    before.swap(now);
  }
}

}  // namespace

void SetStallHook(StallHook hook) { stall_hook.store(hook, std::memory_order_release); }

void WatchForStalls() {
  static std::once_flag once;
  std::call_once(once, [] {
    const int seconds = GetOptions().stall_s;
    if (seconds <= 0) return;
    try {
      StartServiceThread([seconds] { Watch(seconds); });
    } catch (const std::system_error&) {  // no thread to be had: then nobody says so
    }
  });
}

}  // namespace stranded::internal
