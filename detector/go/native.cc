#include "detector/go/native.h"

#include <algorithm>
#include <limits>

#include "detector/go/waits.h"

namespace stranded::detector {
namespace {

constexpr std::uint64_t kMostTasks = 20'000;  // of a profile, whose goroutines have no ids
constexpr std::int64_t kTaken = std::int64_t{1} << 60;  // Go does not say when
constexpr std::int64_t kMinuteNs = 60'000'000'000;

struct Holder {
  std::shared_ptr<const GoDumps> all;
  Dump dump;
};

TaskState StateOf(GoWaitKind kind) {
  switch (kind) {
    case GoWaitKind::kRunning: return TaskState::kRunning;
    case GoWaitKind::kSleep: return TaskState::kSleeping;
    case GoWaitKind::kSystem:
    case GoWaitKind::kOther: return TaskState::kUnknown;
    case GoWaitKind::kIo:
    case GoWaitKind::kSyscall: return TaskState::kSyscall;
    default: return TaskState::kBlocked;
  }
}

// The function that the go statement called.
std::string_view StartOf(const GoDumps& all, const GoGroup& group) {
  for (auto it = group.frames.rbegin(); it != group.frames.rend(); ++it) {
    const std::string_view f = all.Function(*it);
    if (f != "runtime.main" && f != "runtime.goexit") return f;
  }
  return {};
}

// The same in all tasks of a group.
std::vector<Task> Patterns(const GoDumps& all, const GoDump& from, Snapshot& snap) {
  std::vector<Task> patterns;
  for (const GoGroup& group : from.groups) {
    const GoWait wait = ClassifyGo(all, group);
    Task task;
    task.state = StateOf(wait.kind);
    task.wait = NativeWait(wait.kind);
    task.wait_site = task.last_site = wait.site;
    task.daemon = wait.library_idle || wait.kind == GoWaitKind::kSystem;
    task.name = StartOf(all, group);
    task.first_frame = static_cast<std::uint32_t>(snap.frames.size());
    task.frame_count = static_cast<std::uint16_t>(
        std::min<std::size_t>(group.frames.size(), std::numeric_limits<std::uint16_t>::max()));
    snap.frames.insert(snap.frames.end(), group.frames.begin(), group.frames.end());
    patterns.push_back(task);
  }
  return patterns;
}

void AddTask(Snapshot& snap, Task task, std::uint64_t id, std::uint64_t parent,
             std::uint32_t creator, std::uint32_t minutes) {
  task.id = task.spawn = id;
  task.is_main = id == 1;
  if (minutes > 0) task.since_ns = kTaken - minutes * kMinuteNs;
  snap.tasks.Add(task);
  SpawnNode node;
  node.id = node.task = id;
  node.parent = parent;
  node.site = creator;
  node.name = task.name;
  snap.spawns.Add(node);
}

void NoteElided(Snapshot& snap, const GoGroup& group, std::uint64_t id) {
  if (group.elided > 0) snap.stack_notes[id] = "the runtime left frames out";
}

// A profile has counts and no ids.
void AddCounted(const GoDump& from, const std::vector<Task>& patterns, Snapshot& snap) {
  std::uint64_t id = 1;  // 1 stays main's
  std::uint64_t room = kMostTasks;
  for (std::size_t i = 0; i < from.groups.size(); ++i) {
    // One of each stack in any case.
    const std::uint64_t count = std::min(from.groups[i].count, std::max<std::uint64_t>(room, 1));
    room -= std::min(room, count);
    for (std::uint64_t n = 0; n < count; ++n) {
      AddTask(snap, patterns[i], ++id, 0, 0, 0);
      NoteElided(snap, from.groups[i], id);
    }
  }
}

}  // namespace

std::shared_ptr<const Dump> NativeFromGo(std::shared_ptr<const GoDumps> all, std::size_t index) {
  auto holder = std::make_shared<Holder>();
  holder->all = std::move(all);
  const GoDumps& model = *holder->all;
  const GoDump& from = model.dumps[index];
  Dump& dump = holder->dump;
  dump.producer = "Go";
  dump.frames_are_sites = true;
  dump.source = std::string(model.strings[from.source]);
  for (std::uint32_t i = 1; i < model.frames.size(); ++i) {
    dump.sites[i] = {model.File(i), model.Function(i), model.frames[i].line, 0};
  }
  Snapshot& snap = dump.snapshots.emplace_back();
  snap.complete = true;
  snap.taken_ns = kTaken;
  const std::vector<Task> patterns = Patterns(model, from, snap);
  for (const Goroutine& g : from.goroutines) {
    AddTask(snap, patterns[g.group], g.id, g.creator, from.groups[g.group].creator, g.minutes);
    NoteElided(snap, from.groups[g.group], g.id);
  }
  if (from.goroutines.empty()) AddCounted(from, patterns, snap);
  return {holder, &holder->dump};
}

}  // namespace stranded::detector
