#include "detector/fixes/meetings.h"

#include <algorithm>
#include <deque>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"

namespace stranded::detector {
namespace {

// Numbers of the dump format.
constexpr std::uint32_t kNone = 0, kSpawn = 1, kStart = 2, kWake = 5, kSend = 6, kRecv = 7,
                        kClose = 8, kCancel = 9, kLock = 10, kUnlock = 11;
constexpr std::size_t kMostTasks = 256;

class Clock {
 public:
  std::uint64_t operator[](std::size_t task) const {
    return task < ticks_.size() ? ticks_[task] : 0;
  }
  void Tick(std::size_t task) {
    if (task >= ticks_.size()) ticks_.resize(task + 1);
    ++ticks_[task];
  }
  void Join(const Clock& other) {
    if (ticks_.size() < other.ticks_.size()) ticks_.resize(other.ticks_.size());
    for (std::size_t i = 0; i < other.ticks_.size(); ++i) {
      ticks_[i] = std::max(ticks_[i], other.ticks_[i]);
    }
  }

 private:
  std::vector<std::uint64_t> ticks_;
};

struct Clocks {
  Clock full, weak;  // weak: without the meetings in question
  void Join(const Clocks& other) {
    full.Join(other.full);
    weak.Join(other.weak);
  }
};

struct Access {
  std::size_t task = 0;
  std::uint64_t at = 0;  // the task's own clock
  const Event* event = nullptr;
};

// What is on its way through a channel.
struct Passage {
  std::deque<Clocks> sent;      // not received yet
  std::deque<Clocks> received;  // with a buffer: places that became free
  std::uint64_t sends = 0;
};

class History {
 public:
  History(const Situation& s, const Channel& like) : s_(s), like_(like) {}
  Meetings Judge();

 private:
  bool Whole();
  void FindChannels();
  bool InQuestion(Id channel) const { return channels_.contains(channel); }
  std::uint64_t CapacityOf(Id channel) const;
  std::size_t IndexOf(Id task);
  void Pass(std::size_t i);
  void PassWake(std::size_t i);
  void PassSend(const Event& e);
  void PassRecv(const Event& e);
  void Compare(const Event& e);
  void NoteSender(const Event& e);
  void NoteRound(Id sender, Id channel, SiteId site);
  void NoteNext(const Event& e);

  const Situation& s_;
  const Channel& like_;
  std::vector<Event> events_;  // of this world
  Meetings out_;
  absl::flat_hash_set<Id> channels_;
  absl::flat_hash_map<Id, std::size_t> index_;
  std::deque<Clocks> clocks_;  // by index
  std::map<Id, Passage> passages_;
  std::map<std::pair<std::uint32_t, Id>, std::vector<Access>> accesses_;  // kind of object and id
  absl::flat_hash_map<Id, SiteId> last_sent_;  // by task: its newest send in question
  // By task and channel: the first receive. By task: its start.
  absl::flat_hash_map<std::pair<Id, Id>, const Event*> received_;
  absl::flat_hash_map<Id, const Event*> spawned_;
};

// Order holds within one ring, so only a controlled world has a history of all its tasks. It begins
// with the newest start of a main task; what lies before it belongs to other worlds.
bool History::Whole() {
  const auto& events = s_.snap().events;
  const auto starts = [&](const Event& e) {
    if (e.kind != kStart) return false;
    const auto& worlds = s_.snap().worlds.all();
    return std::any_of(worlds.begin(), worlds.end(), [&](const World& w) {
      return w.controlled && w.main_task == e.task && e.task != 0;
    });
  };
  for (std::size_t i = events.size(); i-- > 0;) {
    if (events[i].ring != events.back().ring) return false;
    if (!starts(events[i])) continue;
    events_ = {events.begin() + static_cast<std::ptrdiff_t>(i), events.end()};
    return true;
  }
  return false;
}

// Those that are alive, and those that were sent on at the same lines.
void History::FindChannels() {
  std::set<SiteId> lines;
  for (const Channel& c : s_.snap().channels.all()) {
    if (c.site == like_.site && c.role == ChannelRole::kUser) channels_.insert(c.id);
  }
  for (const Task& task : s_.snap().tasks.all()) {
    const Channel* channel = s_.ChannelOf(task);
    if (task.wait == WaitKind::kChanSend && channel != nullptr && InQuestion(channel->id)) {
      lines.insert(task.wait_site);
    }
  }
  for (const Event& e : events_) {
    if (e.kind == kSend && InQuestion(e.object)) lines.insert(e.site);
  }
  for (const Event& e : events_) {
    const Channel* known = s_.snap().channels.Find(e.object);
    if (e.kind == kSend && lines.contains(e.site) && known == nullptr) channels_.insert(e.object);
  }
}

std::uint64_t History::CapacityOf(Id channel) const {
  if (InQuestion(channel)) return like_.capacity;
  const Channel* known = s_.snap().channels.Find(channel);
  return known == nullptr ? 0 : known->capacity;
}

std::size_t History::IndexOf(Id task) {
  const auto [it, fresh] = index_.try_emplace(task, index_.size());
  if (fresh) clocks_.emplace_back();
  return it->second;
}

// By a receive in question, its sender is woken across the edge that a buffer takes away; by an
// unlock, whoever happened to wait.
void History::PassWake(std::size_t i) {
  const Event& e = events_[i];
  if (e.task == 0) return;
  const Event* before[2] = {nullptr, nullptr};
  for (std::size_t at = i, found = 0; at-- > 0 && found < 2;) {
    if (events_[at].kind != kNone) before[found++] = &events_[at];
  }
  bool unlocks = before[0] != nullptr && before[0]->kind == kUnlock && before[0]->task == e.task;
  bool meets = false;
  for (const Event* b : before) {
    meets |= b != nullptr && b->kind == kSend && b->task == e.arg && InQuestion(b->object);
  }
  if (unlocks) return;
  Clocks& woken = clocks_[IndexOf(e.arg)];
  const Clocks& waker = clocks_[IndexOf(e.task)];
  woken.full.Join(waker.full);
  if (!meets) woken.weak.Join(waker.weak);
}

void History::PassSend(const Event& e) {
  Clocks& mine = clocks_[IndexOf(e.task)];
  Passage& passage = passages_[e.object];
  const std::uint64_t capacity = CapacityOf(e.object);
  if (++passage.sends > capacity && capacity > 0 && !passage.received.empty()) {
    mine.full.Join(passage.received.front().full);
    if (!InQuestion(e.object)) mine.weak.Join(passage.received.front().weak);
    passage.received.pop_front();
  }
  passage.sent.push_back(mine);
  if (InQuestion(e.object)) NoteSender(e);
}

void History::PassRecv(const Event& e) {
  Clocks& mine = clocks_[IndexOf(e.task)];
  Passage& passage = passages_[e.object];
  if (passage.sent.empty()) return;  // sent before the history begins
  mine.Join(passage.sent.front());
  passage.sent.pop_front();
  if (InQuestion(e.object)) {
    ++out_.count;
    received_.try_emplace({e.task, e.object}, &e);
  }
  if (CapacityOf(e.object) > 0) passage.received.push_back(mine);
}

// An unbuffered send returns after its receive. The two events stand side by side.
void History::Pass(std::size_t i) {
  const Event& e = events_[i];
  if (e.kind == kNone) return;
  if (e.task != 0) {
    const std::size_t self = IndexOf(e.task);
    clocks_[self].full.Tick(self);
    clocks_[self].weak.Tick(self);
  }
  NoteNext(e);
  switch (e.kind) {
    case kSpawn: {
      const Clocks parent = e.task == 0 ? Clocks() : clocks_[IndexOf(e.task)];
      clocks_[IndexOf(e.arg)].Join(parent);
      spawned_[e.arg] = &e;
      break;
    }
    case kWake: PassWake(i); break;
    case kSend: PassSend(e); break;
    case kRecv: {
      PassRecv(e);
      if (i == 0 || CapacityOf(e.object) > 0) break;
      const Event& send = events_[i - 1];
      if (send.kind != kSend || send.object != e.object || send.task == 0) break;
      Clocks& sender = clocks_[IndexOf(send.task)];
      const Clocks& receiver = clocks_[IndexOf(e.task)];
      sender.full.Join(receiver.full);
      if (!InQuestion(e.object)) sender.weak.Join(receiver.weak);
      break;
    }
    default: break;
  }
  Compare(e);
}

// With what others did to the same object before.
void History::Compare(const Event& e) {
  const bool channel = (e.kind == kSend || e.kind == kClose) && !InQuestion(e.object);
  if ((!channel && e.kind != kLock) || e.task == 0) return;
  const std::size_t self = IndexOf(e.task);
  const Clocks& now = clocks_[self];
  std::vector<Access>& all = accesses_[{channel ? kSend : kLock, e.object}];
  for (const Access& a : all) {
    const bool by_meeting = now.full[a.task] >= a.at && now.weak[a.task] < a.at;
    if (a.task == self || !by_meeting) continue;
    if (e.kind == kLock) {
      if (e.arg != 0 && a.event->arg != 0) continue;  // both only read
      if (!out_.moved) out_.moved = {OrderedPair::Kind::kLock, a.event->site, e.site};
    } else if (e.kind == kClose || a.event->kind == kClose) {
      if (!out_.broken) out_.broken = {OrderedPair::Kind::kClose, a.event->site, e.site};
    } else if (!out_.moved) {
      out_.moved = {OrderedPair::Kind::kValues, a.event->site, e.site};
    }
  }
  constexpr std::size_t kMostKept = 64;
  if (all.size() < kMostKept) all.push_back({self, now.full[self], &e});
}

void History::NoteSender(const Event& e) {
  last_sent_[e.task] = e.site;
  NoteRound(e.task, e.object, e.site);
}

// Whoever started this sender had received on the channel before.
void History::NoteRound(Id sender, Id channel, SiteId site) {
  const auto spawned = spawned_.find(sender);
  if (spawned == spawned_.end() || out_.again != 0) return;
  const auto received = received_.find({spawned->second->task, channel});
  // Both point into the history, which is in order.
  if (received == received_.end() || received->second > spawned->second) return;
  out_.received = received->second->site;
  out_.again = site;
}

// What a sender does after its send, so that others can see it.
void History::NoteNext(const Event& e) {
  const bool visible = e.kind == kSend || e.kind == kClose || e.kind == kCancel ||
                       e.kind == kLock || e.kind == kSpawn;
  if (!visible || out_.next != 0) return;
  const auto sent = last_sent_.find(e.task);
  if (sent == last_sent_.end()) return;
  out_.after_send = sent->second;
  out_.next = e.site;
}

Meetings History::Judge() {
  if (!Whole()) return out_;
  FindChannels();
  for (std::size_t i = 0; i < events_.size(); ++i) {
    Pass(i);
    if (index_.size() > kMostTasks) return Meetings();
  }
  // A sender that is stuck now may have been started for a later round, too.
  for (const Task& task : s_.snap().tasks.all()) {
    const Channel* channel = s_.ChannelOf(task);
    if (task.wait == WaitKind::kChanSend && channel != nullptr && InQuestion(channel->id)) {
      NoteRound(task.id, channel->id, task.wait_site);
    }
  }
  out_.judged = out_.count > 0;
  return out_;
}

}  // namespace

Meetings JudgeMeetings(const Situation& s, const Channel& like) { return History(s, like).Judge(); }

}  // namespace stranded::detector
