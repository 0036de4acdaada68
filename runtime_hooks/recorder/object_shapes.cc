// Which channels, contexts and spawn nodes are alike: what is not in the row is in the shape.
#include <array>
#include <string_view>

#include "runtime_hooks/recorder/object_facts.h"
#include "runtime_hooks/recorder/snapshot.h"

namespace stranded::internal {
namespace {

std::uint64_t Word(std::int64_t ns) { return static_cast<std::uint64_t>(ns); }
std::uint64_t Pair(std::uint32_t high, std::uint32_t low) {
  return std::uint64_t{high} << 32 | low;
}

void AddPeer(const ChanPeer& peer, const Departure& left, RowShape& shape) {
  if (peer.outcome() == PeerOutcome::kNone) return;
  shape.Add(peer.site);
  if (peer.outcome() != PeerOutcome::kLeft) return;
  shape.Add(static_cast<std::uint64_t>(left.op));
  shape.Add(left.site);
  shape.Add(left.made);
}

// As in a packet: of who is not there, nothing is said.
std::array<std::uint64_t, 4> PeerRow(const ChanPeer& peer, const Departure& left) {
  if (peer.outcome() == PeerOutcome::kNone) return {};
  const bool gone = peer.outcome() == PeerOutcome::kLeft;
  const bool done = gone && left.op == CaseOp::kDone;
  return {peer.task, Word(peer.at_ns), done ? left.object : 0, gone && !done ? left.object : 0};
}

}  // namespace

bool Snapshot::TakeChannel(const ChanCore& chan, const ChanFacts& f) {
  if (objects_ == nullptr) return false;
  RowShape shape;
  shape.count = 0;
  shape.Add(static_cast<std::uint64_t>(chan.role) | std::uint64_t{f.closed} << 8 |
            std::uint64_t{f.observed_try} << 9 | std::uint64_t{f.observed_size} << 10 |
            std::uint64_t{f.timer_armed} << 11 | std::uint64_t{f.timer_stopped} << 12 |
            static_cast<std::uint64_t>(f.last_sender.outcome()) << 16 |
            static_cast<std::uint64_t>(f.last_receiver.outcome()) << 24 |
            std::uint64_t{f.handles} << 32);
  shape.Add(chan.site);
  shape.Add(chan.ops);
  shape.Add(chan.capacity);
  shape.Add(f.length);
  shape.Add(f.high_water);
  shape.Add(f.closed_site);
  for (const std::uint64_t count :
       {f.sends_started, f.sends_completed, f.recvs_started, f.recvs_completed, f.repeat_sends}) {
    shape.Add(count);
  }
  shape.Add(Pair(f.waiting_senders, f.waiting_receivers));
  AddPeer(f.last_sender, f.sender_left, shape);
  AddPeer(f.last_receiver, f.receiver_left, shape);
  const auto sender = PeerRow(f.last_sender, f.sender_left);
  const auto receiver = PeerRow(f.last_receiver, f.receiver_left);
  // In the order of dump::ChannelBatchTag.
  const std::array<std::uint64_t, 14> row = {
      chan.id,         chan.creator_task, Word(chan.created_ns),
      chan.context_id, f.closed_by,       Word(f.closed_ns),
      sender[0],       sender[1],         sender[2],
      sender[3],       receiver[0],       receiver[1],
      receiver[2],     receiver[3]};
  return objects_->Take(shape, row);
}

bool Snapshot::TakeContext(const ContextNode& node, const ContextFacts& f) {
  if (objects_ == nullptr) return false;
  const bool ended = f.err != ContextErr::kNone;
  const std::string_view cause = ended ? node.cause.message() : std::string_view();
  const std::string_view text =
      node.kind == ContextKind::kValue ? std::string_view(node.value_text) : std::string_view();
  if (cause.size() > RowShape::kLongestText || text.size() > RowShape::kLongestText) return false;
  RowShape shape;
  shape.count = 0;
  shape.Add(static_cast<std::uint64_t>(node.kind) | static_cast<std::uint64_t>(f.err) << 8 |
            std::uint64_t{f.timer_pending} << 16 | std::uint64_t{f.has_after_func} << 17 |
            std::uint64_t{f.cancel_called} << 18 | std::uint64_t{f.cancel_lost} << 19 |
            std::uint64_t{node.has_cancel_func} << 20 | std::uint64_t{node.value_printable} << 21 |
            std::uint64_t{cause.size()} << 32 | std::uint64_t{text.size()} << 48);
  shape.Add(node.site);
  shape.Add(node.world_id);
  shape.Add(Pair(f.live_children, f.handles));
  shape.Add(node.key_type);
  shape.Add(node.value_bytes);
  if (ended) shape.Add(node.ended_site);
  shape.AddText(cause);
  shape.AddText(text);
  // In the order of dump::ContextBatchTag.
  const std::array<std::uint64_t, 9> row = {node.id,
                                            node.parent == nullptr ? 0 : node.parent->id,
                                            node.creator,
                                            Word(node.created_ns),
                                            Word(node.deadline_ns),
                                            ended ? Word(node.ended_ns) : 0,
                                            ended ? node.ended_by : 0,
                                            ended ? node.ended_origin : 0,
                                            f.done_channel};
  return objects_->Take(shape, row);
}

bool Snapshot::TakeSpawn(const SpawnNode& node) {
  if (nodes_ == nullptr || node.name.size() > RowShape::kLongestText) return false;
  RowShape shape;
  shape.count = 0;
  shape.Add(node.site);
  shape.Add(Pair(node.elided, static_cast<std::uint32_t>(node.name.size())));
  shape.AddText(node.name);
  // In the order of dump::SpawnBatchTag.
  const std::array<std::uint64_t, 3> row = {node.id, node.task_id,
                                            node.parent == nullptr ? 0 : node.parent->id};
  return nodes_->Take(shape, row);
}

}  // namespace stranded::internal
