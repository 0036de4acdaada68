// A snapshot as plain data: what the dump format says, with indices by id.
//
// Overview: strings are views into the dump's bytes, which Dump keeps. Cases, frames and held locks
// of all tasks lie in shared arrays, so that a million tasks stay small. Thread safety: plain data;
// read it from any number of threads. Invariants: Find* return nullptr for ids that the dump does
// not describe: every reference between objects may dangle, since dumps are cut, filtered and
// damaged. Ownership: a Dump owns the bytes and all snapshots in them.
#ifndef STRANDED_DETECTOR_MODEL_SNAPSHOT_H_
#define STRANDED_DETECTOR_MODEL_SNAPSHOT_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "detector/model/byte_arena.h"
#include "detector/model/event_log.h"
#include "detector/model/id_index.h"
#include "detector/model/large_vector.h"
#include "stranded/dump_reader.h"

namespace stranded::detector {

// Values of the enumerations are those of docs/stranded_dump.proto.
enum class ContextKind : std::uint8_t {
  kUnknown,
  kBackground,
  kTodo,
  kCancel,
  kDeadline,
  kTimeout,
  kValue,
  kWithoutCancel
};
enum class ContextErr : std::uint8_t { kNone, kCancelled, kDeadlineExceeded };
enum class TaskState : std::uint8_t {
  kUnknown,
  kRunnable,
  kRunning,
  kBlocked,
  kSleeping,
  kSyscall,
  kFinished
};
enum class WaitKind : std::uint8_t {
  kNone,
  kChanSend,
  kChanRecv,
  kChanSendNil,
  kChanRecvNil,
  kSelect,
  kSelectEmpty,
  kSleep,
  kMutexLock,
  kRwMutexRLock,
  kRwMutexLock,
  kWaitGroupWait,
  kCondWait,
  kOnceWait,
  kSemaphoreAcquire,
  kJoin,
  kBlockingRegion,
  kLeakCheck,  // the last one of dumps; Go's have two more
  kChannel,    // sends or receives: the form of the dump does not say
  kIo
};
enum class CaseOp : std::uint8_t { kNone, kRecv, kSend, kDone, kDefault };
enum class PeerOutcome : std::uint8_t { kNone, kCompleted, kWaiting, kLeft, kSawClosed };
enum class ChannelRole : std::uint8_t { kUser, kContextDone, kTimerTick };
enum class SyncKind : std::uint8_t {
  kUnknown,
  kMutex,
  kRwMutex,
  kWaitGroup,
  kCond,
  kOnce,
  kSemaphore
};
enum class SyncRole : std::uint8_t { kUser, kErrGroup };
enum class TimerKind : std::uint8_t { kUnknown, kSleep, kContext, kChannel, kFunc };

using Id = std::uint64_t;  // of tasks, contexts, channels, ...; each kind counts for itself

struct Site {
  std::string_view file, function;
  std::uint32_t line = 0, column = 0;
};

struct SpawnNode {
  Id id = 0, task = 0, parent = 0;
  SiteId site = 0;
  std::string_view name;
  std::uint32_t elided = 0;
};

struct Context {
  Id id = 0, parent = 0, world = 0;
  Id creator_task = 0, ended_by_task = 0, ended_origin = 0, done_channel = 0;
  std::string_view creator_name, ended_by_name, cause, key_type, value_text;
  std::int64_t created_ns = 0, deadline_ns = 0, ended_ns = 0;
  std::uint64_t value_bytes = 0;
  SiteId site = 0, ended_site = 0;
  std::uint32_t live_children = 0, handles = 0;
  std::uint32_t crowd = 0;  // as a task's: of tasks each of which has one like it
  ContextKind kind = ContextKind::kUnknown;
  ContextErr err = ContextErr::kNone;
  bool has_cancel_func = false, cancel_called = false, cancel_lost = false;
  bool value_printable = false, timer_pending = false, has_after_func = false;
};

struct WaitCase {
  Id channel = 0, context = 0;
  SiteId site = 0;
  CaseOp op = CaseOp::kNone;
  WaitCase() = default;
  WaitCase(CaseOp o, Id of_channel, Id of_context, SiteId at)
      : channel(of_channel), context(of_context), site(at), op(o) {}
};

struct HeldLock {
  Id sync = 0;
  SiteId site = 0;
  bool shared = false;
};

// Small: there may be millions.
struct Task {
  Id id = 0, spawn = 0, context = 0, world = 0, scope = 0;
  std::string_view name;
  std::int64_t created_ns = 0, since_ns = 0, until_ns = 0;
  Id sync = 0, join_task = 0;
  Id group = 0;  // the WaitGroup or ErrGroup whose Go() started it, and that counts it
  std::uint64_t park_count = 0;
  SiteId wait_site = 0, last_site = 0;
  std::uint32_t first_case = 0;   // into Snapshot::cases
  std::uint32_t first_held = 0;   // into Snapshot::held
  std::uint32_t first_frame = 0;  // into Snapshot::frames
  std::uint32_t crowd = 0;        // number of the crowd it stands for, from 1 on; 0: of itself
  std::uint16_t case_count = 0, held_count = 0, frame_count = 0;
  TaskState state = TaskState::kUnknown;
  WaitKind wait = WaitKind::kNone, last_op = WaitKind::kNone;
  bool is_thread = false, daemon = false, pinned = false, is_main = false, range = false;
  bool has_spawned = false;
};

// Tasks that nothing else names, kept as the one of them with the smallest id, with the channels
// and contexts that are its own: see MergeAlike.
struct TaskCrowd {
  std::size_t count = 0;
  std::int64_t first_since_ns = 0, last_since_ns = 0;
  std::vector<Id> ids;  // the smallest ones, in their order
};

struct Peer {
  Id task = 0, left_context = 0, left_channel = 0;
  std::string_view name;
  SiteId site = 0, left_site = 0;
  SiteId left_made = 0;  // the channel it left by, which may be gone
  std::int64_t at_ns = 0, left_ns = 0;
  PeerOutcome outcome = PeerOutcome::kNone;
  CaseOp left_op = CaseOp::kNone;
};

struct Channel {
  Id id = 0, closed_by_task = 0, creator_task = 0, context = 0;
  SiteId site = 0, closed_site = 0;
  std::string_view elem_type, closed_by_name, creator_name;
  std::uint64_t elem_bytes = 0, capacity = 0, length = 0, high_water = 0;
  std::uint64_t sends_started = 0, sends_completed = 0, recvs_started = 0, recvs_completed = 0;
  std::uint64_t repeat_sends = 0;
  std::uint32_t waiting_senders = 0, waiting_receivers = 0, handles = 0;
  std::uint32_t crowd = 0;  // as a task's: of tasks each of which has one like it
  bool closed = false, observed_try = false, observed_size = false, timer_armed = false;
  bool timer_stopped = false;
  std::int64_t closed_ns = 0, created_ns = 0;
  ChannelRole role = ChannelRole::kUser;
  Peer last_sender, last_receiver;
};

struct SyncPeer {
  Id task = 0;
  std::string_view name;
  SiteId site = 0;
};

struct Sync {
  Id id = 0, holder_task = 0, cond_lock = 0;
  SyncKind kind = SyncKind::kUnknown;
  SyncRole role = SyncRole::kUser;
  SiteId site = 0, holder_site = 0;
  std::string_view holder_name;
  std::uint32_t readers = 0, waiters = 0;
  bool readers_uncertain = false;
  bool taker_keeps = false;  // semaphore: the task of last_add has not released since
  std::int64_t counter = 0, limit = 0;
  SyncPeer last_add, last_done, last_signal;
  std::uint64_t signals = 0, lost_signals = 0;
};

struct Timer {
  TimerKind kind = TimerKind::kUnknown;
  std::int64_t due_ns = 0, period_ns = 0;
  Id object = 0, world = 0;
  SiteId site = 0;
};

struct World {
  Id id = 0, main_task = 0;
  bool controlled = false, quiet = false, deadlock = false;
  std::uint64_t seed = 0, steps = 0;
  std::string_view policy, name;
  std::uint32_t runnable = 0, running = 0, timers = 0, external = 0, workers = 0;
  std::int64_t now_ns = 0;  // 0: not told
};

struct Scope {
  Id id = 0, parent = 0, task = 0;
  std::string_view name;
  SiteId site = 0;
  bool ended = false, expected = false;
};

struct Module {
  std::uint64_t start = 0, end = 0, file_offset = 0, bias = 0;
  std::string_view path, build_id;
};

struct Loss {
  std::uint64_t events_lost = 0, tasks_unread = 0, stacks_missing = 0, packets_left_out = 0;
  std::uint64_t unguarded_stacks = 0;
  std::string_view note;
};

// Objects of one kind, findable by id. A later packet replaces an earlier one of the same id.
template <class T>
class Table {
 public:
  void Add(const T& object) {
    std::uint32_t& position = index_.At(object.id);
    if (position == IdIndex::kNone) {
      position = static_cast<std::uint32_t>(objects_.size());
      objects_.push_back(object);
    } else {
      objects_[position] = object;
    }
  }
  const T* Find(Id id) const {
    const std::uint32_t position = index_.Find(id);
    return position == IdIndex::kNone ? nullptr : &objects_[position];
  }
  const LargeVector<T>& all() const { return objects_; }
  LargeVector<T>& all() { return objects_; }  // ids must stay
  std::size_t size() const { return objects_.size(); }
  void Reserve(std::size_t count) { objects_.reserve(count); }
  // Position of an element in all(), for arrays beside the table.
  std::size_t PositionOf(const T& object) const {
    return static_cast<std::size_t>(&object - objects_.data());
  }
  // The same by id; IdIndex::kNone if there is none.
  std::uint32_t PositionOfId(Id id) const { return index_.Find(id); }

 private:
  LargeVector<T> objects_;
  IdIndex index_;
};

struct Snapshot {
  std::string_view reason, label;
  std::int64_t taken_ns = 0, wall_ns = 0;
  Id taken_by = 0;
  Id focus = 0, focus_since_task = 0;  // see DumpOptions
  std::int64_t focus_since_ns = 0;
  bool complete = false;  // its end marker was read
  Table<Task> tasks;
  Table<SpawnNode> spawns;
  Table<Context> contexts;
  Table<Channel> channels;
  Table<Sync> syncs;
  Table<World> worlds;
  Table<Scope> scopes;
  LargeVector<Timer> timers;
  LargeVector<WaitCase> cases;
  std::vector<HeldLock> held;
  std::vector<std::uint64_t> frames;
  std::vector<TaskCrowd> crowds;
  std::size_t channels_merged = 0, contexts_merged = 0;   // of crowds, and not in the tables
  absl::flat_hash_map<Id, std::string_view> stack_notes;  // by task: why frames are missing
  EventLog events;
  Loss loss;

  // How many tasks, channels or contexts it stands for: one, but where a dump was read with
  // MergeAlike.
  std::size_t CountOf(const Task& task) const { return CrowdSize(task.crowd); }
  std::size_t CountOf(const Channel& channel) const { return CrowdSize(channel.crowd); }
  std::size_t CountOf(const Context& context) const { return CrowdSize(context.crowd); }
  // On the clock of that world: a controlled one has its own. Times of its tasks compare with this.
  std::int64_t NowIn(Id world) const {
    const World* found = worlds.Find(world);
    return found == nullptr || found->now_ns == 0 ? taken_ns : found->now_ns;
  }
  std::int64_t NowFor(const Task& task) const { return NowIn(task.world); }
  std::int64_t NowFor(const Context& context) const { return NowIn(context.world); }

 private:
  std::size_t CrowdSize(std::uint32_t crowd) const {
    return crowd == 0 ? 1 : crowds[crowd - 1].count;
  }
};

struct Damage {
  std::uint64_t packets_bad = 0;  // checksum wrong, or not understood
  std::uint64_t bytes_skipped = 0;
  bool cut = false;  // the file ends inside a packet, or without an end marker
};

struct Dump {
  // Everything below points into one of the two: the whole file, or its packets but for events.
  std::string bytes;
  ByteArena packets_kept;
  std::string source;  // file name, or "-"
  std::uint32_t version_major = 0, version_minor = 0, pid = 0;
  std::string_view producer, program, record_level;
  std::vector<std::string_view> args;
  absl::flat_hash_map<SiteId, Site> sites;
  std::vector<Module> modules;
  std::vector<Snapshot> snapshots;
  std::uint64_t packets = 0;
  Damage damage;
  std::optional<MergeAlike> merged;                 // how it was read
  bool channels_read = true, contexts_read = true;  // likewise
  std::shared_ptr<const Dump> sites_of;  // whose bytes `sites` points into, if not its own
  bool frames_are_sites = false;  // Snapshot::frames holds SiteIds: goroutines have no addresses

  // An empty site for ids that are not described.
  const Site& SiteOf(SiteId id) const {
    static const Site none;
    const auto it = sites.find(id);
    return it == sites.end() ? none : it->second;
  }
};

}  // namespace stranded::detector

#endif  // STRANDED_DETECTOR_MODEL_SNAPSHOT_H_
