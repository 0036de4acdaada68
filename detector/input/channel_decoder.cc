// Channels and the last task on each of their sides.
#include "detector/input/decode.h"
#include "stranded/dump_format.h"

namespace stranded::detector {
namespace {

Peer ReadPeer(const data_view& bytes) {
  using Tag = dump::PeerTag;
  Peer v;
  Message<Tag> m(bytes);
  while (m.next()) {
    switch (m.tag()) {
      case Tag::kTask: v.task = m.get_uint64(); break;
      case Tag::kName: v.name = View(m.get_view()); break;
      case Tag::kSite: v.site = m.get_uint32(); break;
      case Tag::kAtNs: v.at_ns = m.get_int64(); break;
      case Tag::kOutcome: v.outcome = Enum(m.get_enum(), PeerOutcome::kSawClosed); break;
      case Tag::kLeftOp: v.left_op = Enum(m.get_enum(), CaseOp::kDefault); break;
      case Tag::kLeftSite: v.left_site = m.get_uint32(); break;
      case Tag::kLeftContext: v.left_context = m.get_uint64(); break;
      case Tag::kLeftChannel: v.left_channel = m.get_uint64(); break;
      case Tag::kLeftNs: v.left_ns = m.get_int64(); break;
      case Tag::kLeftMade: v.left_made = m.get_uint32(); break;
      default: m.skip();
    }
  }
  return v;
}

}  // namespace

Channel ReadChannel(const data_view& bytes) {
  using Tag = dump::ChannelTag;
  Channel v;
  Message<Tag> m(bytes);
  while (m.next()) {
    switch (m.tag()) {
      case Tag::kId: v.id = m.get_uint64(); break;
      case Tag::kSite: v.site = m.get_uint32(); break;
      case Tag::kElemType: v.elem_type = View(m.get_view()); break;
      case Tag::kElemBytes: v.elem_bytes = m.get_uint32(); break;
      case Tag::kCapacity: v.capacity = m.get_uint64(); break;
      case Tag::kLength: v.length = m.get_uint64(); break;
      case Tag::kHighWater: v.high_water = m.get_uint64(); break;
      case Tag::kClosed: v.closed = m.get_bool(); break;
      case Tag::kClosedByTask: v.closed_by_task = m.get_uint64(); break;
      case Tag::kClosedByName: v.closed_by_name = View(m.get_view()); break;
      case Tag::kClosedSite: v.closed_site = m.get_uint32(); break;
      case Tag::kClosedNs: v.closed_ns = m.get_int64(); break;
      case Tag::kSendsStarted: v.sends_started = m.get_uint64(); break;
      case Tag::kSendsCompleted: v.sends_completed = m.get_uint64(); break;
      case Tag::kRecvsStarted: v.recvs_started = m.get_uint64(); break;
      case Tag::kRecvsCompleted: v.recvs_completed = m.get_uint64(); break;
      case Tag::kWaitingSenders: v.waiting_senders = m.get_uint32(); break;
      case Tag::kWaitingReceivers: v.waiting_receivers = m.get_uint32(); break;
      case Tag::kCreatorTask: v.creator_task = m.get_uint64(); break;
      case Tag::kCreatorName: v.creator_name = View(m.get_view()); break;
      case Tag::kCreatedNs: v.created_ns = m.get_int64(); break;
      case Tag::kLastSender: v.last_sender = ReadPeer(m.get_view()); break;
      case Tag::kLastReceiver: v.last_receiver = ReadPeer(m.get_view()); break;
      case Tag::kRole: v.role = Enum(m.get_enum(), ChannelRole::kTimerTick); break;
      case Tag::kContext: v.context = m.get_uint64(); break;
      case Tag::kObservedTry: v.observed_try = m.get_bool(); break;
      case Tag::kObservedSize: v.observed_size = m.get_bool(); break;
      case Tag::kRepeatSends: v.repeat_sends = m.get_uint64(); break;
      case Tag::kHandles: v.handles = m.get_uint32(); break;
      case Tag::kTimerArmed: v.timer_armed = m.get_bool(); break;
      case Tag::kTimerStopped: v.timer_stopped = m.get_bool(); break;
      default: m.skip();
    }
  }
  return v;
}

}  // namespace stranded::detector
