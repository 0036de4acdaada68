#include "detector/fixes/meetings.h"

#include <algorithm>
#include <array>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "detector/model/event_kind.h"

namespace stranded::detector {
namespace {

// Numbers of the dump format.
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
  std::uint64_t arg = 0;
  SiteId site = 0;
  bool close = false;
};

// An event, and where it stands in the history.
struct Noted {
  Id task = 0;
  SiteId site = 0;
  std::size_t at = 0;
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
  // f(event), for all of this world.
  template <class F>
  void ForEach(F&& f) const {
    s_.snap().events.ForEach(std::forward<F>(f), start_);
  }
  void FindChannels();
  bool InQuestion(Id channel) const { return channels_.contains(channel); }
  std::uint64_t CapacityOf(Id channel) const;
  std::size_t IndexOf(Id task);
  void Pass(const Event& e);
  void PassWake(const Event& e);
  void PassSend(const Event& e);
  void PassRecv(const Event& e);
  void Compare(const Event& e);
  void NoteSender(const Event& e);
  void NoteRound(Id sender, Id channel, SiteId site);
  void NoteNext(const Event& e);

  const Situation& s_;
  const Channel& like_;
  std::size_t start_ = 0;      // of the history, in the events
  std::size_t at_ = 0;         // events that were passed
  std::array<Event, 2> last_;  // the newest that are some, newest first
  bool last_counts_ = false;   // nothing came after last_[0]
  Meetings out_;
  absl::flat_hash_set<Id> channels_;
  absl::flat_hash_map<Id, std::size_t> index_;
  std::deque<Clocks> clocks_;  // by index
  std::map<Id, Passage> passages_;
  std::map<std::pair<std::uint32_t, Id>, std::vector<Access>> accesses_;  // kind of object and id
  absl::flat_hash_map<Id, SiteId> last_sent_;  // by task: its newest send in question
  // By task and channel: the first receive. By task: its start.
  absl::flat_hash_map<std::pair<Id, Id>, Noted> received_;
  absl::flat_hash_map<Id, Noted> spawned_;
};

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
  ForEach([&](const Event& e) {
    if (e.kind == event_kind::kSend && InQuestion(e.object)) lines.insert(e.site);
  });
  ForEach([&](const Event& e) {
    if (e.kind != event_kind::kSend || !lines.contains(e.site)) return;
    if (s_.snap().channels.Find(e.object) == nullptr) channels_.insert(e.object);
  });
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
void History::PassWake(const Event& e) {
  if (e.task == 0) return;
  if (last_[0].kind == event_kind::kUnlock && last_[0].task == e.task) return;
  const bool meets = std::any_of(last_.begin(), last_.end(), [&](const Event& b) {
    return b.kind == event_kind::kSend && b.task == e.arg && InQuestion(b.object);
  });
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
    received_.try_emplace({e.task, e.object}, Noted{e.task, e.site, at_});
  }
  if (CapacityOf(e.object) > 0) passage.received.push_back(mine);
}

// An unbuffered send returns after its receive. The two events stand side by side.
void History::Pass(const Event& e) {
  if (e.kind == event_kind::kNone) {
    last_counts_ = false;
    return;
  }
  if (e.task != 0) {
    const std::size_t self = IndexOf(e.task);
    clocks_[self].full.Tick(self);
    clocks_[self].weak.Tick(self);
  }
  NoteNext(e);
  switch (e.kind) {
    case event_kind::kSpawn: {
      const Clocks parent = e.task == 0 ? Clocks() : clocks_[IndexOf(e.task)];
      clocks_[IndexOf(e.arg)].Join(parent);
      spawned_[e.arg] = {e.task, e.site, at_};
      break;
    }
    case event_kind::kWake: PassWake(e); break;
    case event_kind::kSend: PassSend(e); break;
    case event_kind::kRecv: {
      PassRecv(e);
      if (!last_counts_ || CapacityOf(e.object) > 0) break;
      const Event& send = last_[0];
      if (send.kind != event_kind::kSend || send.object != e.object || send.task == 0) break;
      Clocks& sender = clocks_[IndexOf(send.task)];
      const Clocks& receiver = clocks_[IndexOf(e.task)];
      sender.full.Join(receiver.full);
      if (!InQuestion(e.object)) sender.weak.Join(receiver.weak);
      break;
    }
    default: break;
  }
  Compare(e);
  last_ = {e, last_[0]};
  last_counts_ = true;
}

// With what others did to the same object before.
void History::Compare(const Event& e) {
  const bool channel =
      (e.kind == event_kind::kSend || e.kind == event_kind::kClose) && !InQuestion(e.object);
  if ((!channel && e.kind != event_kind::kLock) || e.task == 0) return;
  const std::size_t self = IndexOf(e.task);
  const Clocks& now = clocks_[self];
  std::vector<Access>& all = accesses_[{channel ? event_kind::kSend : event_kind::kLock, e.object}];
  for (const Access& a : all) {
    const bool by_meeting = now.full[a.task] >= a.at && now.weak[a.task] < a.at;
    if (a.task == self || !by_meeting) continue;
    if (e.kind == event_kind::kLock) {
      if (e.arg != 0 && a.arg != 0) continue;  // both only read
      if (!out_.moved) out_.moved = {OrderedPair::Kind::kLock, a.site, e.site};
    } else if (e.kind == event_kind::kClose || a.close) {
      if (!out_.broken) out_.broken = {OrderedPair::Kind::kClose, a.site, e.site};
    } else if (!out_.moved) {
      out_.moved = {OrderedPair::Kind::kValues, a.site, e.site};
    }
  }
  constexpr std::size_t kMostKept = 64;
  if (all.size() < kMostKept)
    all.push_back({self, now.full[self], e.arg, e.site, e.kind == event_kind::kClose});
}

void History::NoteSender(const Event& e) {
  last_sent_[e.task] = e.site;
  NoteRound(e.task, e.object, e.site);
}

// Whoever started this sender had received on the channel before.
void History::NoteRound(Id sender, Id channel, SiteId site) {
  const auto spawned = spawned_.find(sender);
  if (spawned == spawned_.end() || out_.again != 0) return;
  const auto received = received_.find({spawned->second.task, channel});
  if (received == received_.end() || received->second.at > spawned->second.at) return;
  out_.received = received->second.site;
  out_.again = site;
}

// What a sender does after its send, so that others can see it.
void History::NoteNext(const Event& e) {
  const bool visible = e.kind == event_kind::kSend || e.kind == event_kind::kClose ||
                       e.kind == event_kind::kCancel || e.kind == event_kind::kLock ||
                       e.kind == event_kind::kSpawn;
  if (!visible || out_.next != 0) return;
  const auto sent = last_sent_.find(e.task);
  if (sent == last_sent_.end()) return;
  out_.after_send = sent->second;
  out_.next = e.site;
}

Meetings History::Judge() {
  const std::optional<std::size_t> start = s_.HistoryStart();
  if (!start.has_value()) return out_;
  start_ = *start;
  FindChannels();
  ForEach([this](const Event& e) {
    Pass(e);
    ++at_;
    return index_.size() <= kMostTasks;
  });
  if (index_.size() > kMostTasks) return Meetings();
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
