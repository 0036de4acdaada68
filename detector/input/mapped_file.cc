#include "detector/input/mapped_file.h"

#include <sys/stat.h>
#include <time.h>

#include <cstdlib>
#include <fstream>
#include <iterator>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "detector/input/decode.h"
#include "detector/input/mapped_blocks.h"
#include "detector/input/mapped_events.h"
#include "detector/input/mapped_sites.h"
#include "stranded/dump_format.h"

namespace stranded::detector {
namespace {

using mapped::Block;
using mapped::BlockKind;

// Stands for a context that nothing is known of: it may end, and so may a wait that offers it.
constexpr Id kUnknownContext = UINT64_MAX;

std::int64_t WallNs() {
  timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return now.tv_sec * std::int64_t{1000000000} + now.tv_nsec;
}

bool SameNamespace(const mapped::Header& header) {
  struct stat space = {};
  return stat("/proc/self/ns/pid", &space) == 0 && space.st_ino == header.pid_namespace;
}

bool IsAlive(const mapped::Header& header) {
  if (!SameNamespace(header)) {
    // In a container, or on another machine: all there is to go by is its clock.
    constexpr std::int64_t kFresh = 2'000'000'000;
    return header.ended == 0 && WallNs() - header.alive_ns < kFresh;
  }
  std::ifstream stat(absl::StrCat("/proc/", header.pid, "/stat"));
  const std::string text((std::istreambuf_iterator<char>(stat)), std::istreambuf_iterator<char>());
  // Field 22; the third, the state, stands behind the name in brackets.
  const std::size_t name_end = text.rfind(')');
  if (name_end == std::string::npos || name_end + 2 >= text.size()) return false;
  const char state = text[name_end + 2];
  std::size_t at = name_end;
  for (int field = 2; at != std::string::npos && field < 22; ++field) at = text.find(' ', at + 1);
  if (at == std::string::npos || state == 'Z' || state == 'X') return false;
  return std::strtoull(text.c_str() + at + 1, nullptr, 10) == header.process_start;
}

class MappedReader {
 public:
  explicit MappedReader(Dump& dump) : dump_(dump), bytes_(dump.bytes), sites_(dump) {
    header_ = Load<mapped::Header>(bytes_, 0);
  }
  void Run();

 private:
  void Begin();
  void ReadBlock(const Block& block, std::size_t at, std::size_t records);
  template <class Record, class F>
  void ForEachRecord(std::size_t at, std::size_t records, F&& f);
  void Add(const mapped::Task& r, std::size_t at, bool torn);
  void Add(const mapped::Context& r);
  void Add(const mapped::Channel& r);
  void Add(const mapped::Sync& r);
  Peer PeerOf(const mapped::Peer& r);
  void AddWait(const mapped::Task& r, Task& task);
  void AddCases(const mapped::Task& r, Task& task);
  void Doubt(Task& task);
  void Settle();
  std::int64_t Moment(std::int64_t ns) const;
  std::int64_t LastMoment() const;

  Dump& dump_;
  const std::string_view bytes_;
  mapped::Header header_;
  MappedSites sites_;
  Snapshot* snap_ = nullptr;
  std::vector<Id> doubtful_;  // tasks whose wait is not completely known
};

// Times of worlds with their own clock say nothing of ours: they count as this moment.
std::int64_t MappedReader::Moment(std::int64_t ns) const {
  // Waits carry the time of the kernel's last tick, which may have been before the file was made.
  constexpr std::int64_t kTick = 100'000'000;
  return ns != 0 && ns + kTick < header_.started_ns ? snap_->taken_ns : ns;
}

void MappedReader::Begin() {
  dump_.pid = header_.pid;
  dump_.record_level = "trace";
  dump_.producer = "stranded";
  dump_.version_major = stranded::dump::kVersionMajor;
  dump_.version_minor = stranded::dump::kVersionMinor;
  dump_.program = sites_.Text(header_.program);
  dump_.packets = 1;
  snap_ = &dump_.snapshots.emplace_back();
  snap_->complete = true;
  const bool alive = IsAlive(header_);
  snap_->taken_ns = snap_->wall_ns = alive ? WallNs() : header_.alive_ns;
  snap_->reason = alive ? "live" : header_.ended != 0 ? "ended" : "killed";
}

template <class Record, class F>
void MappedReader::ForEachRecord(std::size_t at, std::size_t records, F&& f) {
  for (std::size_t i = 0; i < records; ++i) {
    const std::size_t offset = at + i * sizeof(Record);
    const auto record = Load<Record>(bytes_, offset);
    if (record.state != mapped::kFree || record.seq % 2 != 0) f(record, offset);
  }
}

void MappedReader::ReadBlock(const Block& block, std::size_t at, std::size_t records) {
  switch (block.kind) {
    case BlockKind::kTasks:
      ForEachRecord<mapped::Task>(
          at, records, [&](const auto& r, std::size_t offset) { Add(r, offset, r.seq % 2 != 0); });
      break;
    case BlockKind::kContexts:
      ForEachRecord<mapped::Context>(at, records, [&](const auto& r, std::size_t) {
        if (r.seq % 2 == 0) Add(r);
      });
      break;
    case BlockKind::kChannels:
      ForEachRecord<mapped::Channel>(at, records, [&](const auto& r, std::size_t) {
        if (r.seq % 2 == 0) Add(r);
      });
      break;
    case BlockKind::kSyncs:
      ForEachRecord<mapped::Sync>(at, records, [&](const auto& r, std::size_t) {
        if (r.seq % 2 == 0) Add(r);
      });
      break;
    case BlockKind::kRing: ReadRing(bytes_, block, at, records, sites_, *snap_); break;
    default: break;
  }
}

void MappedReader::Doubt(Task& task) {
  if (snap_->contexts.Find(kUnknownContext) == nullptr) {
    Context unknown;
    unknown.id = kUnknownContext;
    unknown.kind = ContextKind::kCancel;
    unknown.timer_pending = true;
    snap_->contexts.Add(unknown);
  }
  snap_->cases.push_back({CaseOp::kDone, 0, kUnknownContext, task.wait_site});
  ++task.case_count;
}

void MappedReader::AddCases(const mapped::Task& r, Task& task) {
  const std::size_t count = std::min<std::size_t>(r.cases, mapped::kMostCases);
  for (std::size_t i = 0; i < count; ++i) {
    WaitCase c;
    c.op = Enum(static_cast<std::int32_t>(r.offers[i].op_and_object >> mapped::kKindShift),
                CaseOp::kDefault);
    const Id object = r.offers[i].op_and_object & mapped::kTaskMask;
    (c.op == CaseOp::kDone ? c.context : c.channel) = object;
    c.site = sites_.IdOf(r.offers[i].site);
    snap_->cases.push_back(c);
    ++task.case_count;
  }
}

void MappedReader::AddWait(const mapped::Task& r, Task& task) {
  task.wait = Enum(r.wait, WaitKind::kLeakCheck);
  task.state = task.wait == WaitKind::kSleep ? TaskState::kSleeping : TaskState::kBlocked;
  task.wait_site = sites_.IdOf(r.wait_site);
  task.since_ns = Moment(r.since_ns);
  task.until_ns = r.until_ns;
  task.park_count = r.parks;
  task.range = (r.flags & mapped::kRange) != 0;
  (task.wait == WaitKind::kJoin ? task.join_task : task.sync) = r.object;
  AddCases(r, task);
  // Its objects are looked at when all are read. Cases of one task must stand together.
  snap_->cases.push_back({});
  if (r.cases > mapped::kMostCases) doubtful_.push_back(task.id);
}

// `torn`: it was about to change. Its id and its ancestry stay from spawn to finish.
void MappedReader::Add(const mapped::Task& r, std::size_t at, bool torn) {
  Task task;
  task.id = r.id;
  task.spawn = r.id;
  task.first_case = static_cast<std::uint32_t>(snap_->cases.size());
  task.state = TaskState::kRunning;
  if (torn) {
    ++snap_->loss.tasks_unread;
  } else {
    if ((r.flags & mapped::kNameless) == 0) {
      const std::string_view name = bytes_.substr(at + offsetof(mapped::Task, name), sizeof r.name);
      task.name = name.substr(0, name.find('\0'));
    }
    task.context = r.context;
    task.world = r.world;
    task.is_thread = (r.flags & mapped::kThread) != 0;
    task.daemon = (r.flags & mapped::kDaemon) != 0;
    task.pinned = (r.flags & mapped::kPinned) != 0;
    task.is_main = (r.flags & mapped::kMain) != 0;
    task.created_ns = r.created_ns;
    if ((r.flags & mapped::kGrouped) != 0) task.group = r.group;
    task.has_spawned = true;  // not noted here: it may have
    if (r.state == mapped::kParked && r.woken != r.parks) {
      AddWait(r, task);
    } else {
      task.state = TaskState::kRunnable;
    }
    SpawnNode node;
    node.id = node.task = r.id;
    node.parent = r.parent;
    node.site = sites_.IdOf(r.spawn_site);
    node.name = task.name;
    snap_->spawns.Add(node);
  }
  snap_->tasks.Add(task);
}

void MappedReader::Add(const mapped::Context& r) {
  Context c;
  c.id = r.id;
  c.parent = r.parent;
  c.kind = Enum(r.kind, ContextKind::kWithoutCancel);
  c.site = sites_.IdOf(r.site);
  c.creator_task = r.creator;
  c.created_ns = Moment(r.created_ns);
  c.deadline_ns = r.deadline_ns;
  c.err = Enum(r.err, ContextErr::kDeadlineExceeded);
  c.has_cancel_func = (r.flags & mapped::kHasCancel) != 0;
  if (c.err != ContextErr::kNone) {
    c.ended_ns = Moment(r.ended_ns);
    c.ended_by_task = r.ended_by;
    c.ended_site = sites_.IdOf(r.ended_site);
    c.ended_origin = r.ended_origin;
  }
  c.timer_pending = c.err == ContextErr::kNone && r.deadline_ns != 0;
  snap_->contexts.Add(c);
}

Peer MappedReader::PeerOf(const mapped::Peer& r) {
  Peer peer;
  peer.outcome = Enum(r.outcome, PeerOutcome::kSawClosed);
  if (peer.outcome == PeerOutcome::kNone) return peer;
  peer.task = r.task;
  peer.site = sites_.IdOf(r.site);
  peer.at_ns = Moment(r.at_ns);
  if (peer.outcome != PeerOutcome::kLeft) return peer;
  peer.left_op = Enum(r.left_op, CaseOp::kDefault);
  peer.left_site = sites_.IdOf(r.left_site);
  (peer.left_op == CaseOp::kDone ? peer.left_context : peer.left_channel) = r.left_object;
  peer.left_made = sites_.IdOf(r.left_made);
  peer.left_ns = Moment(r.at_ns);
  return peer;
}

void MappedReader::Add(const mapped::Channel& r) {
  Channel c;
  c.id = r.id;
  c.site = sites_.IdOf(r.site);
  c.elem_type = sites_.TypeOf(r.type);
  c.elem_bytes = r.elem_bytes;
  c.capacity = r.capacity;
  c.length = r.length;
  c.high_water = r.high_water;
  c.closed = (r.flags & mapped::kClosed) != 0;
  c.observed_try = (r.flags & mapped::kTried) != 0;
  c.observed_size = (r.flags & mapped::kSized) != 0;
  c.timer_armed = (r.flags & mapped::kArmed) != 0;
  c.sends_started = r.sends_started;
  c.sends_completed = r.sends_completed;
  c.recvs_started = r.recvs_started;
  c.recvs_completed = r.recvs_completed;
  c.repeat_sends = r.repeat_sends;
  c.waiting_senders = r.waiting_senders;
  c.waiting_receivers = r.waiting_receivers;
  c.creator_task = r.creator;
  c.context = r.context;
  c.created_ns = Moment(r.created_ns);
  c.role = Enum(r.role, ChannelRole::kTimerTick);
  c.last_sender = PeerOf(r.last_sender);
  c.last_receiver = PeerOf(r.last_receiver);
  snap_->channels.Add(c);
}

void MappedReader::Add(const mapped::Sync& r) {
  Sync s;
  s.id = r.id;
  s.kind = Enum(r.kind, SyncKind::kSemaphore);
  s.role = Enum(r.role, SyncRole::kErrGroup);
  s.site = sites_.IdOf(r.site);
  s.holder_task = r.holder;
  s.holder_site = sites_.IdOf(r.holder_site);
  s.readers = r.readers;
  s.waiters = r.waiters;
  s.readers_uncertain = r.readers_uncertain != 0;
  s.taker_keeps = r.taker_keeps != 0;
  s.counter = r.counter;
  s.limit = r.limit;
  s.last_add = {r.add_task, {}, sites_.IdOf(r.add_site)};
  s.last_done = {r.done_task, {}, sites_.IdOf(r.done_site)};
  snap_->syncs.Add(s);
}

// The newest time that was written; the one in the head may be a tenth of a second old.
std::int64_t MappedReader::LastMoment() const {
  constexpr std::int64_t kLate = 2'000'000'000;  // beyond it is no time of ours
  std::int64_t last = 0;
  for (const Event& e : snap_->events.kept()) {
    if (e.time_ns < header_.alive_ns + kLate) last = std::max(last, e.time_ns);
  }
  return last;
}

// Waits whose objects are not all known may end: nothing must be claimed of them.
void MappedReader::Settle() {
  absl::flat_hash_set<Id> cut(doubtful_.begin(), doubtful_.end());
  for (Task& task : snap_->tasks.all()) {
    if (task.state != TaskState::kBlocked) continue;
    bool known = !cut.contains(task.id);
    for (std::uint32_t i = 0; i < task.case_count; ++i) {
      const WaitCase& c = snap_->cases[task.first_case + i];
      if (c.op == CaseOp::kDone) known &= c.context == 0 || snap_->contexts.Find(c.context);
      if (c.op == CaseOp::kSend || c.op == CaseOp::kRecv) {
        known &= c.channel == 0 || snap_->channels.Find(c.channel);
      }
    }
    if (task.sync != 0) known &= snap_->syncs.Find(task.sync) != nullptr;
    if (known) continue;
    // In the place that AddWait() left free.
    const std::uint32_t at = task.first_case + task.case_count;
    const std::size_t size = snap_->cases.size();
    Doubt(task);
    std::swap(snap_->cases[at], snap_->cases[size]);
    snap_->cases.pop_back();
  }
}

void MappedReader::Run() {
  bool whole = ForEachBlock(bytes_, [&](const Block& block, std::size_t at, std::size_t records) {
    if (block.kind == BlockKind::kSites) sites_.Read(block, at, records);
  });
  Begin();
  whole &= ForEachBlock(bytes_, [&](const Block& block, std::size_t at, std::size_t records) {
    ReadBlock(block, at, records);
  });
  if (snap_->reason != "live") snap_->taken_ns = std::max(snap_->taken_ns, LastMoment());
  Settle();
  dump_.damage.cut = !whole;
  snap_->loss.tasks_unread += header_.full;
}

}  // namespace

bool IsMappedFile(std::string_view bytes) {
  return bytes.substr(0, sizeof mapped::kMagic) ==
         std::string_view(mapped::kMagic, sizeof mapped::kMagic);
}

absl::Status ReadMappedFile(Dump& dump) {
  if (dump.bytes.size() < mapped::kHeaderBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", dump.source, "' is a trace file that is cut off within its head"));
  }
  const auto header = Load<mapped::Header>(dump.bytes, 0);
  if (header.version != mapped::kVersion) {
    return absl::UnimplementedError(
        absl::StrCat("'", dump.source, "' is a trace file of version ", header.version,
                     "; this program reads version ", mapped::kVersion,
                     ". Take the stranded that came with the program that wrote it"));
  }
  MappedReader(dump).Run();
  return absl::OkStatus();
}

}  // namespace stranded::detector
