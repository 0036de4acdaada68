// One walk over everything that is alive, written as packets.
//
// Overview: parked tasks are frozen a few at a time, copied and let go; channels and contexts are
// read under their locks. Bytes go on to a string or a file while nothing is frozen or locked.
// Nothing stops the world, so the parts of a snapshot of a busy program may be some microseconds
// apart; `park_count` tells the reader whether a task ran in between. Thread safety: Run() from any
// thread. Never two objects' locks at a time. Invariants: in crash mode nothing is allocated or
// freed, no lock is waited for without bound, and what is locked is left out and counted.
// Channels and contexts are read when all tasks have been: of a task that acts and ends meanwhile
// only they tell, and a wait that it ended would look like one that nobody is left for.
// Ownership: holds a reference of each object, sixteen at a time, only while it is read.
#ifndef STRANDED_RUNTIME_HOOKS_RECORDER_SNAPSHOT_H_
#define STRANDED_RUNTIME_HOOKS_RECORDER_SNAPSHOT_H_

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "runtime_hooks/channel/chan_core.h"
#include "runtime_hooks/context/context_node.h"
#include "runtime_hooks/recorder/id_set.h"
#include "runtime_hooks/recorder/object_batch.h"
#include "runtime_hooks/recorder/packet_writer.h"
#include "runtime_hooks/recorder/task_batch.h"
#include "runtime_hooks/recorder/unwind.h"
#include "runtime_hooks/registry/finished.h"
#include "runtime_hooks/registry/scope.h"
#include "runtime_hooks/scheduler/biased_lock.h"
#include "runtime_hooks/scheduler/world.h"

namespace stranded::internal {

struct SnapshotOptions {
  const char* reason = "request";
  const char* label = "";
  std::uint64_t world = 0;  // 0: all
  bool pools = false;       // beside `world`: all pools
  std::uint64_t scope = 0;  // 0: all
  std::uint64_t focus = 0, focus_since_task = 0;  // see DumpOptions
  std::int64_t focus_since_ns = 0;
  bool events = false;
  int stacks_per_site = 2;
  bool crash = false;  // inside a fatal signal
};

struct ChanFacts;
struct ContextFacts;

class Snapshot {
 public:
  Snapshot(PacketWriter& writer, const SnapshotOptions& options)
      : out_(writer), options_(options) {}
  void Run();

 private:
  // snapshot.cc
  void WriteBegin();
  void WriteWorlds();
  void WriteTimers(World* world);
  void WriteEnd();
  bool Wanted(std::uint64_t world_id) const {
    return options_.world == 0 || options_.world == world_id ||
           std::binary_search(pools_.begin(), pools_.end(), world_id);
  }
  static constexpr int kCrashTries = 1000;
  template <class Lock>
  bool TakeLock(Lock& lock);  // false: held by somebody, in crash mode

  // task_packets.cc
  void WriteTasks();
  void NoteLeft(Task* task);
  void TakeTask(Task* task);  // of those that are wanted, to be written together with others
  void WriteTaken();
  bool Skip(const Task& task, std::uint32_t state) const;
  void WriteTask(Task* task, std::uint32_t state, bool frozen);
  void WriteWait(Builder<dump::TaskTag>& packet, const Task& task, bool still);
  bool Sound(const SelectCase& c) const;
  void WriteCase(Builder<dump::WaitTag>& wait, const SelectCase& c);
  void WriteHeld(Builder<dump::TaskTag>& packet, const Task& task);
  void WriteStack(Builder<dump::TaskTag>& packet, const Task& task);
  bool WantStack(const Task& task);
  void NoteObjects(Task* task);
  void NoteAncestry(const Task& task);
  void NeedContext(ContextNode* node);
  void WriteSpawnChain(const SpawnNode* node);
  void WriteOrigin(std::uint64_t task_id, const Origin& origin);
  bool TakeSpawn(const SpawnNode& node);
  void WriteSpawn(std::uint64_t id, std::uint64_t task_id, const SpawnNode* parent,
                  const std::source_location& at, std::string_view whole_name,
                  std::uint32_t elided);
  void WriteScopeChain(const ScopeNode* scope);
  void WriteSync(const SyncBase* base);
  void WriteFinishedTasks();

  // event_packets.cc
  void WriteEvents();

  // object_packets.cc
  void BeginObjects(dump::PacketTag batches);
  void EndObjects();
  void WriteContexts();
  void WriteContext(ContextNode* node);
  void WriteChannels();
  void WriteChannel(ChanCore* chan);
  bool TakeContext(const ContextNode& node, const ContextFacts& f);
  bool TakeChannel(const ChanCore& chan, const ChanFacts& f);
  ChanPeer PeerOn(const ChanCore* chan, bool senders) const;
  std::string_view TypeName(const char* mangled);
  void WritePeer(Builder<dump::ChannelTag>& packet, dump::ChannelTag tag, const ChanPeer& peer,
                 const Departure& departure);
  void Mention(std::uint64_t task_id) {
    if (options_.crash || task_id == 0 || listed_.contains(task_id)) return;
    // Mostly the same as the one before; the rest is sorted in the end.
    if (!mentioned_.empty() && mentioned_.back() == task_id) return;
    if (MayFindFinished(task_id)) mentioned_.push_back(task_id);
  }

  PacketWriter& out_;
  const SnapshotOptions options_;
  std::uint64_t packets_before_ = 0;
  std::uint64_t tasks_unread_ = 0, stacks_missing_ = 0, locked_ = 0, events_lost_ = 0;
  int crash_stacks_ = 0;
  IdSet listed_;                          // tasks
  std::vector<std::uint64_t> mentioned_;  // tasks that have finished
  std::vector<std::uint64_t> pools_;      // worlds that are wanted beside one; sorted
  const std::map<std::uint64_t, std::uint64_t>* moves_ = nullptr;  // of pools, at the first look
  IdSet contexts_, channels_, syncs_, spawns_, scopes_;
  // Of the task before: they are written or noted, with all that is above.
  std::uint64_t last_parent_ = 0, last_context_ = 0;
  absl::flat_hash_map<std::uint64_t, int> stacks_;
  absl::flat_hash_map<const char*, std::string> type_names_;  // demangled
  std::unique_ptr<TaskBatch> batch_;                          // not in a crash
  std::unique_ptr<ObjectBatch> nodes_;                        // while tasks are written
  std::unique_ptr<ObjectBatch> objects_;  // of the kind that is being written; not in a crash
  // Tasks that are read together, so that their memory is fetched at the same time.
  struct Held {
    Task* task = nullptr;
    std::uint32_t state = 0;  // when it was frozen, or could not be
    bool frozen = false;
  };
  std::array<Held, 16> held_{};
  std::size_t held_count_ = 0;
};

template <class Lock>
bool Snapshot::TakeLock(Lock& lock) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  if (!options_.crash) {
    lock.Lock();
    return true;
  }
  for (int i = 0; i < kCrashTries; ++i) {
    if (lock.TryLock()) return true;
  }
  ++locked_;
  return false;
}

}  // namespace stranded::internal

#endif  // STRANDED_RUNTIME_HOOKS_RECORDER_SNAPSHOT_H_
