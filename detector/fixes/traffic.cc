#include "detector/fixes/traffic.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/container/flat_hash_set.h"

namespace stranded::detector {
namespace {

constexpr std::uint32_t kSend = 6;  // a number of the dump format

using SendsOf = std::map<std::pair<Id, Id>, std::uint64_t>;  // by task and channel

// Sends that went through, as far as the history goes back.
SendsOf RecordedSends(const Situation& s, const absl::flat_hash_set<Id>& channels) {
  SendsOf sends;
  if (!s.snap().events.HasKind(kSend)) return sends;
  s.snap().events.ForEach([&](const Event& e) {
    if (e.kind != kSend || e.task == 0 || !channels.contains(e.object)) return;
    sends[{e.task, e.object}] += 1 + e.arg;
  });
  return sends;
}

bool SendsNow(const Situation& s, Id task, Id channel) {
  const Task* sender = s.snap().tasks.Find(task);
  if (sender == nullptr || sender->wait != WaitKind::kChanSend || !s.Blocked(*sender)) return false;
  const Channel* on = s.ChannelOf(*sender);
  return on != nullptr && on->id == channel;
}

}  // namespace

bool SendsAgain(const Situation& s, SiteId made) {
  absl::flat_hash_set<Id> channels;
  for (const Channel* channel : s.ChannelsMadeAt(made)) {
    if (channel->role != ChannelRole::kUser) continue;
    if (channel->repeat_sends > 0) return true;
    channels.insert(channel->id);
  }
  const SendsOf sends = RecordedSends(s, channels);
  return std::any_of(sends.begin(), sends.end(), [&](const auto& of) {
    return of.second > 1 || SendsNow(s, of.first.first, of.first.second);
  });
}

bool SeveralSend(const Situation& s, const Channel& channel) {
  if (channel.role != ChannelRole::kUser) return false;
  // With one sender each send but the first is a repeat. Without notes (record=off) none is.
  if (channel.last_sender.task != 0 && channel.repeat_sends + 1 < channel.sends_completed) {
    return true;
  }
  return RecordedSends(s, {channel.id}).size() > 1;
}

}  // namespace stranded::detector
