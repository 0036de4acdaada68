#include "detector/fixes/traffic.h"

#include <algorithm>

namespace stranded::detector {
namespace {

bool SendsNow(const Situation& s, Id task, Id channel) {
  const Task* sender = s.snap().tasks.Find(task);
  if (sender == nullptr || sender->wait != WaitKind::kChanSend || !s.Blocked(*sender)) return false;
  const Channel* on = s.ChannelOf(*sender);
  return on != nullptr && on->id == channel;
}

}  // namespace

bool MadeAlike(const Channel& a, const Channel& b) {
  return a.site == b.site && a.role == b.role && a.elem_type == b.elem_type &&
         a.capacity == b.capacity;
}

bool SendsAgain(const Situation& s, const Channel& channel, SiteId sent_at) {
  if (channel.role != ChannelRole::kUser) return false;
  const auto& channels = s.ChannelsMadeAt(channel.site);
  const RecordedSends& sends = s.SendsRecorded();
  return std::any_of(channels.begin(), channels.end(), [&](const Channel* c) {
    const bool same = c->id == channel.id;
    if (!same && (!MadeAlike(*c, channel) || c->last_sender.site != sent_at)) return false;
    if (c->repeat_sends > 0) return true;
    const auto of = sends.find(c->id);
    if (of == sends.end()) return false;
    return std::any_of(of->second.begin(), of->second.end(), [&](const auto& by) {
      return by.second > 1 || SendsNow(s, by.first, c->id);
    });
  });
}

bool SeveralSend(const Situation& s, const Channel& channel) {
  if (channel.role != ChannelRole::kUser) return false;
  // With one sender each send that began but the first is a repeat. Without notes (record=off) none
  // is.
  if (channel.last_sender.task != 0 && channel.repeat_sends + 1 < channel.sends_started) {
    return true;
  }
  const auto of = s.SendsRecorded().find(channel.id);
  return of != s.SendsRecorded().end() && of->second.size() > 1;
}

}  // namespace stranded::detector
