#include "detector/input/packet_decoder.h"

#include <protozero/exception.hpp>
#include <protozero/pbf_message.hpp>

#include "detector/input/decode.h"
#include "detector/input/task_crowds.h"
#include "stranded/dump_format.h"

namespace stranded::detector {
namespace {

Site ReadSite(const data_view& bytes) {
  using Tag = dump::SiteTag;
  Site v;
  Message<Tag> m(bytes);
  while (m.next()) {
    switch (m.tag()) {
      case Tag::kFile: v.file = View(m.get_view()); break;
      case Tag::kFunction: v.function = View(m.get_view()); break;
      case Tag::kLine: v.line = m.get_uint32(); break;
      case Tag::kColumn: v.column = m.get_uint32(); break;
      default: m.skip();
    }
  }
  return v;
}

SpawnNode ReadSpawn(const data_view& bytes) {
  using Tag = dump::SpawnNodeTag;
  SpawnNode v;
  Message<Tag> m(bytes);
  while (m.next()) {
    switch (m.tag()) {
      case Tag::kId: v.id = m.get_uint64(); break;
      case Tag::kTask: v.task = m.get_uint64(); break;
      case Tag::kParent: v.parent = m.get_uint64(); break;
      case Tag::kSite: v.site = m.get_uint32(); break;
      case Tag::kName: v.name = View(m.get_view()); break;
      case Tag::kElided: v.elided = m.get_uint32(); break;
      default: m.skip();
    }
  }
  return v;
}

Context ReadContext(const data_view& bytes) {
  using Tag = dump::ContextTag;
  Context v;
  Message<Tag> m(bytes);
  while (m.next()) {
    switch (m.tag()) {
      case Tag::kId: v.id = m.get_uint64(); break;
      case Tag::kParent: v.parent = m.get_uint64(); break;
      case Tag::kKind: v.kind = Enum(m.get_enum(), ContextKind::kWithoutCancel); break;
      case Tag::kSite: v.site = m.get_uint32(); break;
      case Tag::kCreatorTask: v.creator_task = m.get_uint64(); break;
      case Tag::kCreatorName: v.creator_name = View(m.get_view()); break;
      case Tag::kCreatedNs: v.created_ns = m.get_int64(); break;
      case Tag::kDeadlineNs: v.deadline_ns = m.get_int64(); break;
      case Tag::kErr: v.err = Enum(m.get_enum(), ContextErr::kDeadlineExceeded); break;
      case Tag::kCause: v.cause = View(m.get_view()); break;
      case Tag::kEndedNs: v.ended_ns = m.get_int64(); break;
      case Tag::kEndedByTask: v.ended_by_task = m.get_uint64(); break;
      case Tag::kEndedByName: v.ended_by_name = View(m.get_view()); break;
      case Tag::kEndedSite: v.ended_site = m.get_uint32(); break;
      case Tag::kEndedOrigin: v.ended_origin = m.get_uint64(); break;
      case Tag::kHasCancelFunc: v.has_cancel_func = m.get_bool(); break;
      case Tag::kCancelCalled: v.cancel_called = m.get_bool(); break;
      case Tag::kCancelLost: v.cancel_lost = m.get_bool(); break;
      case Tag::kKeyType: v.key_type = View(m.get_view()); break;
      case Tag::kValueText: v.value_text = View(m.get_view()); break;
      case Tag::kValuePrintable: v.value_printable = m.get_bool(); break;
      case Tag::kValueBytes: v.value_bytes = m.get_uint64(); break;
      case Tag::kDoneChannel: v.done_channel = m.get_uint64(); break;
      case Tag::kLiveChildren: v.live_children = m.get_uint32(); break;
      case Tag::kTimerPending: v.timer_pending = m.get_bool(); break;
      case Tag::kHandles: v.handles = m.get_uint32(); break;
      case Tag::kWorld: v.world = m.get_uint64(); break;
      case Tag::kHasAfterFunc: v.has_after_func = m.get_bool(); break;
      default: m.skip();
    }
  }
  return v;
}

SyncPeer ReadSyncPeer(const data_view& bytes) {
  using Tag = dump::SyncPeerTag;
  SyncPeer v;
  Message<Tag> m(bytes);
  while (m.next()) {
    switch (m.tag()) {
      case Tag::kTask: v.task = m.get_uint64(); break;
      case Tag::kName: v.name = View(m.get_view()); break;
      case Tag::kSite: v.site = m.get_uint32(); break;
      default: m.skip();
    }
  }
  return v;
}

Sync ReadSync(const data_view& bytes) {
  using Tag = dump::SyncObjectTag;
  Sync v;
  Message<Tag> m(bytes);
  while (m.next()) {
    switch (m.tag()) {
      case Tag::kId: v.id = m.get_uint64(); break;
      case Tag::kKind: v.kind = Enum(m.get_enum(), SyncKind::kSemaphore); break;
      case Tag::kSite: v.site = m.get_uint32(); break;
      case Tag::kHolderTask: v.holder_task = m.get_uint64(); break;
      case Tag::kHolderName: v.holder_name = View(m.get_view()); break;
      case Tag::kHolderSite: v.holder_site = m.get_uint32(); break;
      case Tag::kReaders: v.readers = m.get_uint32(); break;
      case Tag::kReadersUncertain: v.readers_uncertain = m.get_bool(); break;
      case Tag::kCounter: v.counter = m.get_int64(); break;
      case Tag::kLimit: v.limit = m.get_int64(); break;
      case Tag::kLastAdd: v.last_add = ReadSyncPeer(m.get_view()); break;
      case Tag::kLastDone: v.last_done = ReadSyncPeer(m.get_view()); break;
      case Tag::kLastSignal: v.last_signal = ReadSyncPeer(m.get_view()); break;
      case Tag::kSignals: v.signals = m.get_uint64(); break;
      case Tag::kLostSignals: v.lost_signals = m.get_uint64(); break;
      case Tag::kWaiters: v.waiters = m.get_uint32(); break;
      case Tag::kCondLock: v.cond_lock = m.get_uint64(); break;
      case Tag::kRole: v.role = Enum(m.get_enum(), SyncRole::kErrGroup); break;
      case Tag::kTakerKeeps: v.taker_keeps = m.get_bool(); break;
      default: m.skip();
    }
  }
  return v;
}

Timer ReadTimer(const data_view& bytes) {
  using Tag = dump::TimerTag;
  Timer v;
  Message<Tag> m(bytes);
  while (m.next()) {
    switch (m.tag()) {
      case Tag::kKind: v.kind = Enum(m.get_enum(), TimerKind::kFunc); break;
      case Tag::kDueNs: v.due_ns = m.get_int64(); break;
      case Tag::kPeriodNs: v.period_ns = m.get_int64(); break;
      case Tag::kObject: v.object = m.get_uint64(); break;
      case Tag::kSite: v.site = m.get_uint32(); break;
      case Tag::kWorld: v.world = m.get_uint64(); break;
      default: m.skip();
    }
  }
  return v;
}

World ReadWorld(const data_view& bytes) {
  using Tag = dump::WorldTag;
  World v;
  Message<Tag> m(bytes);
  while (m.next()) {
    switch (m.tag()) {
      case Tag::kId: v.id = m.get_uint64(); break;
      case Tag::kKind: v.controlled = m.get_enum() == 1; break;
      case Tag::kSeed: v.seed = m.get_uint64(); break;
      case Tag::kPolicy: v.policy = View(m.get_view()); break;
      case Tag::kSteps: v.steps = m.get_uint64(); break;
      case Tag::kQuiet: v.quiet = m.get_bool(); break;
      case Tag::kRunnable: v.runnable = m.get_uint32(); break;
      case Tag::kRunning: v.running = m.get_uint32(); break;
      case Tag::kTimers: v.timers = m.get_uint32(); break;
      case Tag::kExternal: v.external = m.get_uint32(); break;
      case Tag::kMainTask: v.main_task = m.get_uint64(); break;
      case Tag::kDeadlock: v.deadlock = m.get_bool(); break;
      case Tag::kWorkers: v.workers = m.get_uint32(); break;
      case Tag::kName: v.name = View(m.get_view()); break;
      case Tag::kNowNs: v.now_ns = m.get_int64(); break;
      default: m.skip();
    }
  }
  return v;
}

Scope ReadScope(const data_view& bytes) {
  using Tag = dump::ScopeTag;
  Scope v;
  Message<Tag> m(bytes);
  while (m.next()) {
    switch (m.tag()) {
      case Tag::kId: v.id = m.get_uint64(); break;
      case Tag::kParent: v.parent = m.get_uint64(); break;
      case Tag::kName: v.name = View(m.get_view()); break;
      case Tag::kSite: v.site = m.get_uint32(); break;
      case Tag::kTask: v.task = m.get_uint64(); break;
      case Tag::kEnded: v.ended = m.get_bool(); break;
      case Tag::kExpected: v.expected = m.get_bool(); break;
      default: m.skip();
    }
  }
  return v;
}

Module ReadModule(const data_view& bytes) {
  using Tag = dump::ModuleTag;
  Module v;
  Message<Tag> m(bytes);
  while (m.next()) {
    switch (m.tag()) {
      case Tag::kStart: v.start = m.get_uint64(); break;
      case Tag::kEnd: v.end = m.get_uint64(); break;
      case Tag::kFileOffset: v.file_offset = m.get_uint64(); break;
      case Tag::kPath: v.path = View(m.get_view()); break;
      case Tag::kBuildId: v.build_id = View(m.get_view()); break;
      case Tag::kBias: v.bias = m.get_uint64(); break;
      default: m.skip();
    }
  }
  return v;
}

Loss ReadLoss(const data_view& bytes) {
  using Tag = dump::LossTag;
  Loss v;
  Message<Tag> m(bytes);
  while (m.next()) {
    switch (m.tag()) {
      case Tag::kEventsLost: v.events_lost = m.get_uint64(); break;
      case Tag::kTasksUnread: v.tasks_unread = m.get_uint64(); break;
      case Tag::kStacksMissing: v.stacks_missing = m.get_uint64(); break;
      case Tag::kStringsCut: v.packets_left_out = m.get_uint64(); break;
      case Tag::kUnguardedStacks: v.unguarded_stacks = m.get_uint64(); break;
      case Tag::kNote: v.note = View(m.get_view()); break;
      default: m.skip();
    }
  }
  return v;
}

void ReadHeader(const data_view& bytes, Dump& d) {
  using Tag = dump::HeaderTag;
  Message<Tag> m(bytes);
  while (m.next()) {
    switch (m.tag()) {
      case Tag::kVersionMajor: d.version_major = m.get_uint32(); break;
      case Tag::kVersionMinor: d.version_minor = m.get_uint32(); break;
      case Tag::kProducer: d.producer = View(m.get_view()); break;
      case Tag::kPid: d.pid = m.get_uint32(); break;
      case Tag::kProgram: d.program = View(m.get_view()); break;
      case Tag::kArgs: d.args.push_back(View(m.get_view())); break;
      case Tag::kRecordLevel: d.record_level = View(m.get_view()); break;
      default: m.skip();
    }
  }
}

void ReadBegin(const data_view& bytes, Snapshot& s) {
  using Tag = dump::SnapshotBeginTag;
  Message<Tag> m(bytes);
  while (m.next()) {
    switch (m.tag()) {
      case Tag::kReason: s.reason = View(m.get_view()); break;
      case Tag::kTakenNs: s.taken_ns = m.get_int64(); break;
      case Tag::kWallNs: s.wall_ns = m.get_int64(); break;
      case Tag::kLabel: s.label = View(m.get_view()); break;
      case Tag::kTask: s.taken_by = m.get_uint64(); break;
      case Tag::kFocus: s.focus = m.get_uint64(); break;
      case Tag::kFocusSinceTask: s.focus_since_task = m.get_uint64(); break;
      case Tag::kFocusSinceNs: s.focus_since_ns = m.get_int64(); break;
      default: m.skip();
    }
  }
}

void ReadSiteInto(const data_view& bytes, Dump& d) {
  SiteId id = 0;
  Message<dump::SiteTag> m(bytes);
  while (m.next()) {
    if (m.tag() == dump::SiteTag::kId) {
      id = m.get_uint32();
    } else {
      m.skip();
    }
  }
  d.sites[id] = ReadSite(bytes);
}

}  // namespace

void PacketDecoder::PutOff(std::vector<data_view>& batches, const data_view& body) {
  after_end_ |= Current().complete;
  batches.push_back(body);
}

Snapshot& PacketDecoder::Current() {
  // A dump whose beginning is damaged still has a snapshot.
  if (dump_.snapshots.empty()) Begin();
  return dump_.snapshots.back();
}

void PacketDecoder::Finish() {
  if (task_batches_.empty() && object_batches_.empty()) return;
  Snapshot& snapshot = dump_.snapshots.back();
  // A row is a dozen bytes: more than the multiple is granted for what it makes.
  const auto tasks = [this](std::size_t bytes) { return Afford(bytes / 2); };
  const auto objects = [this](std::size_t bytes) { return Afford(bytes / kObjectRowGrant); };
  CrowdReader crowds(snapshot, dump_.merged.value_or(MergeAlike()), tasks, objects);
  const bool merge = dump_.merged.has_value() && !after_end_;
  dump_.damage.packets_bad += merge ? crowds.Read(task_batches_, object_batches_)
                                    : crowds.ReadEach(task_batches_, object_batches_);
  task_batches_.clear();
  object_batches_.clear();
  after_end_ = false;
}

void PacketDecoder::Begin() {
  Finish();
  const std::size_t number = dump_.snapshots.size();
  Snapshot& fresh = dump_.snapshots.emplace_back();
  encoded_ = nullptr;
  if (number >= expected_.size()) return;
  fresh.tasks.Reserve(expected_[number].tasks);
  fresh.spawns.Reserve(expected_[number].spawns);
  fresh.cases.reserve(expected_[number].tasks);
  if (storage_ == EventStorage::kDecoded) fresh.events.Reserve(expected_[number].events);
}

bool PacketDecoder::Afford(std::size_t bytes) {
  constexpr std::size_t kMultiple = 16, kFree = 1 << 20;
  spent_ += bytes;
  return spent_ <= kMultiple * input_.size() + kFree;
}

namespace {

// Room that an object of the model takes, with its share of the index.
std::size_t RoomFor(dump::PacketTag tag, std::size_t body) {
  using Tag = dump::PacketTag;
  constexpr std::size_t kIndex = IdIndex::kBlockBytes;
  switch (tag) {
    case Tag::kSnapshot: return sizeof(Snapshot);
    case Tag::kModule: return sizeof(Module);
    case Tag::kSite: return sizeof(Site) + kIndex;
    case Tag::kSpawn: return sizeof(SpawnNode) + kIndex;
    case Tag::kContext: return sizeof(Context) + kIndex;
    // A case takes two bytes at the least.
    case Tag::kTask: return sizeof(Task) + kIndex + body * sizeof(WaitCase) / 8;
    case Tag::kChannel: return sizeof(Channel) + kIndex;
    case Tag::kSync: return sizeof(Sync) + kIndex;
    case Tag::kTimer: return sizeof(Timer);
    case Tag::kWorld: return sizeof(World) + kIndex;
    case Tag::kScope: return sizeof(Scope) + kIndex;
    // An event takes three bytes at the least.
    case Tag::kEvents: return body * sizeof(Event) / 3;
    default: return 0;
  }
}

}  // namespace

void PacketDecoder::DecodeBody(dump::PacketTag tag, const data_view& body) {
  using Tag = dump::PacketTag;
  switch (tag) {
    case Tag::kHeader: ReadHeader(body, dump_); break;
    case Tag::kSnapshot:
      Begin();
      ReadBegin(body, dump_.snapshots.back());
      break;
    case Tag::kModule: dump_.modules.push_back(ReadModule(body)); break;
    case Tag::kSite: ReadSiteInto(body, dump_); break;
    case Tag::kSpawn: Current().spawns.Add(ReadSpawn(body)); break;
    case Tag::kContext: Current().contexts.Add(ReadContext(body)); break;
    case Tag::kTask: Current().tasks.Add(ReadTask(body, Current())); break;
    case Tag::kTaskBatch: PutOff(task_batches_, body); break;
    case Tag::kSpawnBatch: PutOff(object_batches_.spawns, body); break;
    case Tag::kChannelBatch:
      if (dump_.channels_read) PutOff(object_batches_.channels, body);
      break;
    case Tag::kContextBatch:
      if (dump_.contexts_read) PutOff(object_batches_.contexts, body);
      break;
    case Tag::kChannel: Current().channels.Add(ReadChannel(body)); break;
    case Tag::kSync: Current().syncs.Add(ReadSync(body)); break;
    case Tag::kTimer: Current().timers.push_back(ReadTimer(body)); break;
    case Tag::kWorld: Current().worlds.Add(ReadWorld(body)); break;
    case Tag::kScope: Current().scopes.Add(ReadScope(body)); break;
    case Tag::kLoss: Current().loss = ReadLoss(body); break;
    case Tag::kEnd: Current().complete = true; break;
    default: break;
  }
}

bool PacketDecoder::DecodeEvents(const data_view& body, std::uint64_t at, std::uint64_t end) {
  batch_.clear();
  const bool whole = ReadEvents(body, batch_);
  EventLog& log = Current().events;
  if (storage_ == EventStorage::kDecoded) {
    log.Keep(batch_);
  } else if (!batch_.empty()) {
    if (encoded_ == nullptr) encoded_ = std::make_shared<EncodedEvents>(input_);
    encoded_->Add(at, end, batch_.size());
    log.LeaveIn(encoded_, batch_);
  }
  return whole;
}

bool PacketDecoder::Decode(std::string_view body, std::uint64_t at, std::uint64_t end) {
  try {
    Message<dump::PacketTag> m(body.data(), body.size());
    // One body to a packet.
    while (m.next()) {
      const dump::PacketTag tag = m.tag();
      if (tag < dump::PacketTag::kHeader || tag > dump::PacketTag::kSpawnBatch) {
        m.skip();  // of a newer minor version
        continue;
      }
      data_view view = m.get_view();
      const bool stays = tag == dump::PacketTag::kEvents && storage_ == EventStorage::kEncoded;
      if (!stays && !Afford(RoomFor(tag, view.size()))) return false;
      if (tag == dump::PacketTag::kEvents) return DecodeEvents(view, at, end);
      // The model points into the packet.
      if (!input_.in_memory()) {
        const std::string_view kept = dump_.packets_kept.Keep(View(view));
        view = data_view(kept.data(), kept.size());
      }
      DecodeBody(tag, view);
      return true;
    }
  } catch (const protozero::exception&) {
    return false;
  }
  return true;
}

}  // namespace stranded::detector
