#include "detector/fixes/traffic.h"

#include <algorithm>

namespace stranded::detector {
namespace {

constexpr std::uint32_t kSend = 6;           // a number of the dump format
constexpr std::size_t kMostTasks = 1 << 16;  // of one channel; more tell nothing new

// Of the channels in the snapshot, so that memory does not follow the history.
RecordedSends Record(const Situation& s) {
  RecordedSends sends;
  if (!s.snap().events.HasKind(kSend)) return sends;
  s.snap().events.ForEach([&](const Event& e) {
    if (e.kind != kSend || e.task == 0) return;
    const Channel* channel = s.snap().channels.Find(e.object);
    if (channel == nullptr || channel->role != ChannelRole::kUser) return;
    auto& by = sends[e.object];
    if (by.size() < kMostTasks || by.contains(e.task)) by[e.task] += 1 + e.arg;
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
  const auto& channels = s.ChannelsMadeAt(made);
  const auto repeats = [](const Channel* c) {
    return c->role == ChannelRole::kUser && c->repeat_sends > 0;
  };
  if (std::any_of(channels.begin(), channels.end(), repeats)) return true;
  const RecordedSends& sends = s.SendsRecorded();
  return std::any_of(channels.begin(), channels.end(), [&](const Channel* c) {
    const auto of = sends.find(c->id);
    if (of == sends.end()) return false;
    return std::any_of(of->second.begin(), of->second.end(), [&](const auto& by) {
      return by.second > 1 || SendsNow(s, by.first, c->id);
    });
  });
}

bool SeveralSend(const Situation& s, const Channel& channel) {
  if (channel.role != ChannelRole::kUser) return false;
  // With one sender each send but the first is a repeat. Without notes (record=off) none is.
  if (channel.last_sender.task != 0 && channel.repeat_sends + 1 < channel.sends_completed) {
    return true;
  }
  const auto of = s.SendsRecorded().find(channel.id);
  return of != s.SendsRecorded().end() && of->second.size() > 1;
}

const RecordedSends& Situation::SendsRecorded() const {
  if (!sends_.has_value()) sends_ = Record(*this);
  return *sends_;
}

}  // namespace stranded::detector
