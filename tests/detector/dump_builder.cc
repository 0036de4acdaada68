#include "tests/detector/dump_builder.h"

#include <zlib.h>

#include <protozero/pbf_builder.hpp>

#include "stranded/dump_format.h"

namespace stranded::detector {
namespace {

template <class Tag>
using Builder = protozero::pbf_builder<Tag>;
using dump::PacketTag;
// Packet bodies: one field of Packet with one message inside.
template <class Tag, class Fill>
std::string Body(PacketTag kind, Fill&& fill) {
  std::string body;
  Builder<PacketTag> packet(body);
  std::string message;
  Builder<Tag> inner(message);
  fill(inner);
  packet.add_message(kind, message);
  return body;
}

template <class E>
std::int32_t Wire(E value) {
  return static_cast<std::int32_t>(value);
}

template <class Tag>
void Text(Builder<Tag>& b, Tag tag, std::string_view text) {
  if (!text.empty()) b.add_string(tag, text.data(), text.size());
}

std::string WaitBytes(const TaskSpec& spec) {
  using Tag = dump::WaitTag;
  const Task& t = spec.task;
  std::string bytes;
  Builder<Tag> w(bytes);
  w.add_enum(Tag::kKind, Wire(t.wait));
  w.add_uint32(Tag::kSite, t.wait_site);
  w.add_int64(Tag::kSinceNs, t.since_ns);
  w.add_int64(Tag::kUntilNs, t.until_ns);
  for (const WaitCase& c : spec.cases) {
    Builder<dump::WaitCaseTag> b(w, Tag::kCases);
    b.add_enum(dump::WaitCaseTag::kOp, Wire(c.op));
    b.add_uint64(dump::WaitCaseTag::kChannel, c.channel);
    b.add_uint32(dump::WaitCaseTag::kSite, c.site);
    b.add_uint64(dump::WaitCaseTag::kContext, c.context);
  }
  w.add_uint64(Tag::kSync, t.sync);
  w.add_uint64(Tag::kTask, t.join_task);
  w.add_bool(Tag::kRange, t.range);
  return bytes;
}

void AddPeer(Builder<dump::ChannelTag>& channel, dump::ChannelTag tag, const Peer& p) {
  using Tag = dump::PeerTag;
  if (p.outcome == PeerOutcome::kNone) return;
  Builder<Tag> b(channel, tag);
  b.add_uint64(Tag::kTask, p.task);
  b.add_uint32(Tag::kSite, p.site);
  b.add_enum(Tag::kOutcome, Wire(p.outcome));
  b.add_enum(Tag::kLeftOp, Wire(p.left_op));
  b.add_uint32(Tag::kLeftSite, p.left_site);
  b.add_uint64(Tag::kLeftContext, p.left_context);
}

void AddSyncPeer(Builder<dump::SyncObjectTag>& sync, dump::SyncObjectTag tag, const SyncPeer& p) {
  if (p.task == 0) return;
  Builder<dump::SyncPeerTag> b(sync, tag);
  b.add_uint64(dump::SyncPeerTag::kTask, p.task);
  b.add_uint32(dump::SyncPeerTag::kSite, p.site);
}

}  // namespace

DumpBuilder::DumpBuilder(std::uint32_t version_major) {
  Header(version_major);
  Begin();
  Add(Quiet());
}

DumpBuilder& DumpBuilder::Raw(const std::string& body) {
  std::string packet;
  protozero::pbf_writer writer(packet);
  writer.add_fixed32(
      1, static_cast<std::uint32_t>(crc32(0, reinterpret_cast<const unsigned char*>(body.data()),
                                          static_cast<unsigned>(body.size()))));
  packet += body;
  protozero::pbf_writer(bytes_).add_message(1, packet);
  return *this;
}

DumpBuilder& DumpBuilder::Header(std::uint32_t version_major) {
  using Tag = dump::HeaderTag;
  return Raw(Body<Tag>(PacketTag::kHeader, [&](auto& h) {
    h.add_uint32(Tag::kVersionMajor, version_major);
    h.add_uint32(Tag::kVersionMinor, dump::kVersionMinor);
    Text(h, Tag::kProducer, "stranded test");
    Text(h, Tag::kProgram, "/bin/program");
  }));
}

DumpBuilder& DumpBuilder::Begin(std::string_view reason) {
  using Tag = dump::SnapshotBeginTag;
  return Raw(Body<Tag>(PacketTag::kSnapshot, [&](auto& s) {
    Text(s, Tag::kReason, reason);
    s.add_int64(Tag::kTakenNs, kNow);
  }));
}

SiteId DumpBuilder::At(std::string_view file, std::uint32_t line, std::string_view function) {
  using Tag = dump::SiteTag;
  const SiteId id = next_site_++;
  Raw(Body<Tag>(PacketTag::kSite, [&](auto& s) {
    s.add_uint32(Tag::kId, id);
    Text(s, Tag::kFile, file);
    Text(s, Tag::kFunction, function);
    s.add_uint32(Tag::kLine, line);
  }));
  return id;
}

DumpBuilder& DumpBuilder::Add(const TaskSpec& spec) {
  using Tag = dump::TaskTag;
  const Task& t = spec.task;
  return Raw(Body<Tag>(PacketTag::kTask, [&](auto& b) {
    b.add_uint64(Tag::kId, t.id);
    Text(b, Tag::kName, t.name);
    b.add_uint64(Tag::kSpawn, t.spawn);
    b.add_uint64(Tag::kContext, t.context);
    b.add_enum(Tag::kState, Wire(t.state));
    b.add_enum(Tag::kKind, t.is_thread ? 1 : 0);
    b.add_bool(Tag::kDaemon, t.daemon);
    b.add_bool(Tag::kIsMain, t.is_main);
    b.add_uint64(Tag::kWorld, t.world);
    b.add_uint64(Tag::kScope, t.scope);
    b.add_uint64(Tag::kGroup, t.group);
    b.add_bool(Tag::kHasSpawned, t.has_spawned);
    if (t.wait != WaitKind::kNone) b.add_message(Tag::kWait, WaitBytes(spec));
    for (const HeldLock& h : spec.held) {
      Builder<dump::HeldLockTag> held(b, Tag::kHeld);
      held.add_uint64(dump::HeldLockTag::kSync, h.sync);
      held.add_uint32(dump::HeldLockTag::kSite, h.site);
      held.add_bool(dump::HeldLockTag::kShared, h.shared);
    }
    b.add_packed_fixed64(Tag::kPcs, spec.frames.begin(), spec.frames.end());
  }));
}

DumpBuilder& DumpBuilder::Add(const Context& c) {
  using Tag = dump::ContextTag;
  return Raw(Body<Tag>(PacketTag::kContext, [&](auto& b) {
    b.add_uint64(Tag::kId, c.id);
    b.add_uint64(Tag::kParent, c.parent);
    b.add_enum(Tag::kKind, Wire(c.kind));
    b.add_uint32(Tag::kSite, c.site);
    b.add_uint64(Tag::kCreatorTask, c.creator_task);
    b.add_int64(Tag::kDeadlineNs, c.deadline_ns);
    b.add_enum(Tag::kErr, Wire(c.err));
    Text(b, Tag::kCause, c.cause);
    b.add_int64(Tag::kEndedNs, c.ended_ns);
    b.add_uint64(Tag::kEndedByTask, c.ended_by_task);
    b.add_uint32(Tag::kEndedSite, c.ended_site);
    b.add_uint64(Tag::kEndedOrigin, c.ended_origin);
    b.add_bool(Tag::kHasCancelFunc, c.has_cancel_func);
    b.add_bool(Tag::kCancelCalled, c.cancel_called);
    b.add_bool(Tag::kCancelLost, c.cancel_lost);
    Text(b, Tag::kKeyType, c.key_type);
    Text(b, Tag::kValueText, c.value_text);
    b.add_bool(Tag::kValuePrintable, c.value_printable);
    b.add_uint32(Tag::kLiveChildren, c.live_children);
    b.add_bool(Tag::kTimerPending, c.timer_pending);
    if (c.has_after_func) b.add_bool(Tag::kHasAfterFunc, true);
    b.add_uint64(Tag::kWorld, c.world);
  }));
}

DumpBuilder& DumpBuilder::Add(const Channel& c) {
  using Tag = dump::ChannelTag;
  return Raw(Body<Tag>(PacketTag::kChannel, [&](auto& b) {
    b.add_uint64(Tag::kId, c.id);
    b.add_uint32(Tag::kSite, c.site);
    Text(b, Tag::kElemType, c.elem_type);
    b.add_uint64(Tag::kCapacity, c.capacity);
    b.add_uint64(Tag::kLength, c.length);
    b.add_bool(Tag::kClosed, c.closed);
    b.add_uint64(Tag::kSendsStarted, c.sends_started);
    b.add_uint64(Tag::kSendsCompleted, c.sends_completed);
    b.add_uint64(Tag::kRecvsStarted, c.recvs_started);
    b.add_uint64(Tag::kRecvsCompleted, c.recvs_completed);
    b.add_uint32(Tag::kWaitingSenders, c.waiting_senders);
    b.add_uint32(Tag::kWaitingReceivers, c.waiting_receivers);
    b.add_uint64(Tag::kCreatorTask, c.creator_task);
    AddPeer(b, Tag::kLastSender, c.last_sender);
    AddPeer(b, Tag::kLastReceiver, c.last_receiver);
    b.add_enum(Tag::kRole, Wire(c.role));
    b.add_uint64(Tag::kContext, c.context);
    b.add_bool(Tag::kObservedTry, c.observed_try);
    b.add_bool(Tag::kObservedSize, c.observed_size);
    b.add_uint64(Tag::kRepeatSends, c.repeat_sends);
    b.add_bool(Tag::kTimerArmed, c.timer_armed);
    b.add_bool(Tag::kTimerStopped, c.timer_stopped);
  }));
}

DumpBuilder& DumpBuilder::Add(const Sync& s) {
  using Tag = dump::SyncObjectTag;
  return Raw(Body<Tag>(PacketTag::kSync, [&](auto& b) {
    b.add_uint64(Tag::kId, s.id);
    b.add_enum(Tag::kKind, Wire(s.kind));
    b.add_uint32(Tag::kSite, s.site);
    b.add_uint64(Tag::kHolderTask, s.holder_task);
    b.add_uint32(Tag::kHolderSite, s.holder_site);
    b.add_uint32(Tag::kReaders, s.readers);
    b.add_int64(Tag::kCounter, s.counter);
    b.add_int64(Tag::kLimit, s.limit);
    AddSyncPeer(b, Tag::kLastAdd, s.last_add);
    AddSyncPeer(b, Tag::kLastDone, s.last_done);
    AddSyncPeer(b, Tag::kLastSignal, s.last_signal);
    b.add_uint64(Tag::kSignals, s.signals);
    b.add_uint64(Tag::kLostSignals, s.lost_signals);
    b.add_uint32(Tag::kWaiters, s.waiters);
    b.add_uint64(Tag::kCondLock, s.cond_lock);
    b.add_enum(Tag::kRole, Wire(s.role));
    b.add_bool(Tag::kTakerKeeps, s.taker_keeps);
  }));
}

DumpBuilder& DumpBuilder::Add(const SpawnNode& n) {
  using Tag = dump::SpawnNodeTag;
  return Raw(Body<Tag>(PacketTag::kSpawn, [&](auto& b) {
    b.add_uint64(Tag::kId, n.id);
    b.add_uint64(Tag::kTask, n.task);
    b.add_uint64(Tag::kParent, n.parent);
    b.add_uint32(Tag::kSite, n.site);
    Text(b, Tag::kName, n.name);
  }));
}

DumpBuilder& DumpBuilder::Add(const Scope& s) {
  using Tag = dump::ScopeTag;
  return Raw(Body<Tag>(PacketTag::kScope, [&](auto& b) {
    b.add_uint64(Tag::kId, s.id);
    b.add_uint64(Tag::kParent, s.parent);
    Text(b, Tag::kName, s.name);
    if (s.task != 0) b.add_uint64(Tag::kTask, s.task);
    b.add_bool(Tag::kEnded, s.ended);
    b.add_bool(Tag::kExpected, s.expected);
  }));
}

DumpBuilder& DumpBuilder::Add(const World& w) {
  using Tag = dump::WorldTag;
  return Raw(Body<Tag>(PacketTag::kWorld, [&](auto& b) {
    b.add_uint64(Tag::kId, w.id);
    b.add_enum(Tag::kKind, w.controlled ? 1 : 0);
    b.add_bool(Tag::kQuiet, w.quiet);
    b.add_uint32(Tag::kTimers, w.timers);
    b.add_uint32(Tag::kRunning, w.running);
    b.add_uint32(Tag::kExternal, w.external);
    b.add_uint64(Tag::kMainTask, w.main_task);
    b.add_bool(Tag::kDeadlock, w.deadlock);
    b.add_int64(Tag::kNowNs, w.now_ns);
  }));
}

DumpBuilder& DumpBuilder::Add(const Timer& t) {
  using Tag = dump::TimerTag;
  return Raw(Body<Tag>(PacketTag::kTimer, [&](auto& b) {
    b.add_enum(Tag::kKind, Wire(t.kind));
    b.add_int64(Tag::kDueNs, t.due_ns);
    b.add_uint32(Tag::kSite, t.site);
    b.add_uint64(Tag::kObject, t.object);
    b.add_uint64(Tag::kWorld, t.world);
  }));
}

DumpBuilder& DumpBuilder::Add(const Loss& l) {
  using Tag = dump::LossTag;
  return Raw(Body<Tag>(PacketTag::kLoss, [&](auto& b) {
    b.add_uint64(Tag::kTasksUnread, l.tasks_unread);
    b.add_uint64(Tag::kStacksMissing, l.stacks_missing);
    b.add_uint64(Tag::kEventsLost, l.events_lost);
  }));
}

DumpBuilder& DumpBuilder::Add(const std::vector<Event>& events) {
  using Tag = dump::EventBatchTag;
  std::vector<std::uint32_t> what, site;
  std::vector<std::int64_t> task, object, time, arg;
  Event last;
  std::uint64_t last_named = 0;
  const auto step = [](std::uint64_t from, std::uint64_t to) {
    return static_cast<std::int64_t>(to - from);
  };
  for (const Event& e : events) {
    what.push_back(e.kind | dump::kEventHasObject | dump::kEventHasArg | dump::kEventHasTime);
    task.push_back(step(last.task, e.task));
    site.push_back(e.site);
    object.push_back(step(last.object, e.object));
    time.push_back(e.time_ns - last.time_ns);
    const bool names_task = e.kind == 1 || e.kind == 5;  // spawn, wake
    arg.push_back(step(names_task ? last_named : 0, e.arg));
    if (names_task) last_named = e.arg;
    last = e;
  }
  return Raw(Body<Tag>(PacketTag::kEvents, [&](auto& b) {
    b.add_uint32(Tag::kRing, events.empty() ? 0 : events.front().ring);
    b.add_packed_uint32(Tag::kWhat, what.begin(), what.end());
    b.add_packed_sint64(Tag::kTask, task.begin(), task.end());
    b.add_packed_uint32(Tag::kSite, site.begin(), site.end());
    b.add_packed_sint64(Tag::kObject, object.begin(), object.end());
    b.add_packed_sint64(Tag::kTimeNs, time.begin(), time.end());
    b.add_packed_sint64(Tag::kArg, arg.begin(), arg.end());
  }));
}

DumpBuilder& DumpBuilder::End() {
  return Raw(Body<dump::EndTag>(PacketTag::kEnd,
                                [](auto& b) { b.add_uint64(dump::EndTag::kPackets, 0); }));
}

TaskSpec InState(Id id, TaskState state) {
  TaskSpec spec;
  spec.task.id = id;
  spec.task.world = 1;
  spec.task.state = state;
  return spec;
}

TaskSpec Waiter(Id id, WaitKind kind, Id sync, SiteId at) {
  TaskSpec spec = InState(id, TaskState::kBlocked);
  spec.task.wait = kind;
  spec.task.wait_site = at;
  spec.task.sync = sync;
  spec.task.since_ns = kNow - 10 * kSecond;
  return spec;
}

TaskSpec Sender(Id id, Id channel, SiteId at) {
  TaskSpec spec = Waiter(id, WaitKind::kChanSend, 0, at);
  spec.cases = {{CaseOp::kSend, channel, 0, at}};
  return spec;
}

TaskSpec Receiver(Id id, Id channel, SiteId at) {
  TaskSpec spec = Waiter(id, WaitKind::kChanRecv, 0, at);
  spec.cases = {{CaseOp::kRecv, channel, 0, at}};
  return spec;
}

TaskSpec InSelect(Id id, SiteId at, std::vector<WaitCase> cases) {
  TaskSpec spec = Waiter(id, WaitKind::kSelect, 0, at);
  spec.cases = std::move(cases);
  return spec;
}

Context Ended(Id id, SiteId at) {
  Context context;
  context.id = id;
  context.kind = ContextKind::kCancel;
  context.site = at;
  context.has_cancel_func = context.cancel_called = true;
  context.err = ContextErr::kCancelled;
  context.ended_ns = kNow - 5 * kSecond;
  context.ended_by_task = 1;
  context.ended_site = at;
  context.ended_origin = id;
  return context;
}

Peer LastOn(Id task, SiteId at, PeerOutcome outcome) {
  Peer peer;
  peer.task = task;
  peer.site = at;
  peer.outcome = outcome;
  return peer;
}

SyncPeer LastBy(Id task, SiteId at) {
  SyncPeer peer;
  peer.task = task;
  peer.site = at;
  return peer;
}

SpawnNode Spawned(Id id, Id task, Id parent, SiteId at) {
  SpawnNode node;
  node.id = id;
  node.task = task;
  node.parent = parent;
  node.site = at;
  return node;
}

World Quiet() {
  World world;
  world.id = 1;
  world.main_task = 1;
  world.quiet = true;
  return world;
}

World Busy() {
  World world = Quiet();
  world.quiet = false;
  return world;
}

}  // namespace stranded::detector
