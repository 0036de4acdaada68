#include "detector/fixes/give_back.h"

#include "absl/strings/str_cat.h"
#include "detector/fixes/fixes.h"
#include "detector/fixes/traffic.h"
#include "detector/rules/evidence.h"

namespace stranded::detector {
namespace {

constexpr char kUnit[] = "stranded::Unit";

bool StartedBy(const Situation& s, Id task, Id parent) {
  const SpawnNode* spawn = SpawnOf(s, task);
  const SpawnNode* above = spawn == nullptr ? nullptr : s.snap().spawns.Find(spawn->parent);
  return above != nullptr && above->task == parent;
}

// Its operation went through: a place where values are given back.
bool Completed(const Peer& peer) {
  return peer.task != 0 && peer.site != 0 && peer.outcome == PeerOutcome::kCompleted;
}

// First a send, then a receive: a place is taken and given back. The other way round it is a queue
// that its workers fill, too.
bool InOneFunction(const Situation& s, SiteId send, SiteId receive) {
  const SourceSite one = SiteText(s, send), other = SiteText(s, receive);
  return one.known() && one.file == other.file && one.function == other.function &&
         one.line <= other.line;
}

// How the tasks in question are told apart from others.
std::string Started(const Situation& s, Id task) {
  const SpawnNode* spawn = SpawnOf(s, task);
  if (spawn == nullptr || spawn->site == 0) return TaskText(s, task);
  return absl::StrCat("tasks started at ", Place(s, spawn->site));
}

}  // namespace

bool NobodyCameToReceive(const Channel& channel) {
  return channel.recvs_started == 0 && channel.last_receiver.task == 0;
}

bool LooksLikePool(const Situation& s, const Task& receiver) {
  if (receiver.wait != WaitKind::kChanRecv || receiver.range) return false;
  const Channel* channel = s.ChannelOf(receiver);
  if (channel == nullptr || channel->role != ChannelRole::kUser) return false;
  const bool gives = channel->capacity > 0 && channel->recvs_completed > 0 &&
                     Completed(channel->last_sender) &&
                     StartedAlike(s, receiver.id, channel->last_sender.task);
  if (!gives) return false;
  // Where all of them wait here none has kept a value: their queue was not closed.
  return s.StartedAt(SpawnOf(s, receiver.id)->site) > channel->waiting_receivers;
}

bool LooksLikeSemaphore(const Situation& s, const Task& sender) {
  if (sender.wait != WaitKind::kChanSend) return false;
  const Channel* channel = s.ChannelOf(sender);
  if (channel == nullptr || channel->role != ChannelRole::kUser) return false;
  if (channel->capacity == 0 || channel->length < channel->capacity) return false;
  if (NobodyCameToReceive(*channel)) return channel->elem_type == kUnit;
  if (!Completed(channel->last_receiver)) return false;
  const Id receiver = channel->last_receiver.task;
  const bool alike = StartedAlike(s, sender.id, receiver);
  if (channel->elem_type == kUnit) return alike || StartedBy(s, receiver, sender.id);
  if (SendsAgain(s, *channel, sender.wait_site)) return false;  // a queue, more likely
  return alike && InOneFunction(s, sender.wait_site, channel->last_receiver.site);
}

void ProposeGivingBack(const Situation& s, const Task& task, FindingData& out) {
  const Channel* channel = s.ChannelOf(task);
  if (channel == nullptr) return;
  const bool pool = task.wait == WaitKind::kChanRecv;
  const bool none = !pool && NobodyCameToReceive(*channel);  // then senders hold what they put in
  const Peer& peer = pool ? channel->last_sender : channel->last_receiver;
  const SourceSite back = none ? SourceSite() : SiteText(s, peer.site);
  const std::string who = Started(s, none ? task.id : peer.task);
  out.fixes.push_back(
      pool ? SimpleFix(FixKind::kUnlock, back,
                       absl::StrCat("If what is received at ", Place(s, task.wait_site),
                                    " is to be given back, send it on every way out, as at ",
                                    back.ToString(), "; a scoped guard does it."),
                       absl::StrCat("In ", who,
                                    " values are taken out and put in, and the channel is empty: "
                                    "a task that ends with one keeps it from the next."))
           : SimpleFix(FixKind::kUnlock, back,
                       absl::StrCat("If the channel limits how many tasks go on at once, take a "
                                    "value out on every way out of ",
                                    who, none ? "" : absl::StrCat(", as at ", back.ToString()),
                                    "; a scoped guard does it."),
                       absl::StrCat("It is full, with ", channel->length,
                                    channel->length == 1 ? " value" : " values",
                                    channel->elem_type == kUnit ? " without data" : "",
                                    ", as a semaphore whose units were not given back.")));
}

}  // namespace stranded::detector
