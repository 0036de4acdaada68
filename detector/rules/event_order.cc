#include "detector/rules/event_order.h"

#include <algorithm>
#include <cstdint>
#include <limits>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/container/inlined_vector.h"
#include "detector/model/event_kind.h"

namespace stranded::detector {
namespace {

// Numbers of the dump format.

constexpr std::size_t kMostRounds = 16, kMostThings = 1 << 17;
constexpr std::int64_t kLongestTick = 10'000'000;  // of the clock that stamps parks

using Set = std::uint64_t;  // of the events asked for

// What a set is known of: since when, in one ring; in the others that may be any time.
struct Since {
  std::uint16_t ring = 0;
  std::size_t at = 0;
  Set set = 0;
};

// Where a task's own events are, and from where on others may have told it something by a wake.
struct Home {
  static constexpr std::size_t kNever = std::numeric_limits<std::size_t>::max();
  std::uint16_t ring = 0;
  bool moved = false;  // to another thread
  std::size_t first_join = kNever, first_wait = kNever;
};

enum class Thing : std::uint8_t { kTask, kSent, kReceived, kEverything };
using ThingKey = std::pair<Thing, Id>;

bool LetsThroughUnseen(std::uint64_t wait) {
  switch (static_cast<WaitKind>(wait)) {
    case WaitKind::kWaitGroupWait:
    case WaitKind::kCondWait:
    case WaitKind::kOnceWait:
    case WaitKind::kSemaphoreAcquire:
    case WaitKind::kBlockingRegion:
    case WaitKind::kLeakCheck: return true;
    default: return false;
  }
}

class EventOrder {
 public:
  EventOrder(const Snapshot& snap, const std::vector<EventPair>& pairs);
  std::vector<bool> Judge();

 private:
  struct Ring {
    Event last, last_but_wakes;
    std::int64_t first_time = 0, second_time = 0;  // different ones
  };
  struct Asked {
    std::size_t at = 0;
    Set before = 0;  // those that come before it
    Event event;
  };

  // Both: false if there is too much to follow.
  bool Round();
  bool Explore();
  bool Lossy() const { return snap_.loss.events_lost > 0; }
  bool Pass(const Event& e);
  void Step(const Event& e);
  void Ask(const Event& e);
  void ReceiveAfter(const Event& send, const Event& e);
  Set Of(const ThingKey& thing, const Event& e) const;
  void Give(const ThingKey& thing, const Event& e, Set set) { Give(thing, e.ring, at_, set); }
  void Give(const ThingKey& thing, std::uint16_t ring, std::size_t at, Set set);
  void Tell(Id task, const Event& e, Set set);
  void NoteHome(const Event& e);
  Set Mine(const Event& e);
  void ParkedIn(const Event& e);
  Ring& RingOf(const Event& e);
  bool Known(const Asked& one, const Asked& other) const;
  bool SpawnSeen(const Asked& a) const;
  const Asked& At(std::size_t at) const;

  const Snapshot& snap_;
  const std::vector<EventPair>& pairs_;
  std::vector<Asked> asked_;  // by number
  absl::flat_hash_set<Id> asked_tasks_;
  absl::flat_hash_map<Id, Id> spawners_;  // as far as the trace tells
  absl::flat_hash_map<ThingKey, absl::InlinedVector<Since, 1>> things_;
  absl::flat_hash_set<std::pair<std::uint16_t, Id>> let_through_;  // tasks, at their next event
  // By task: in which ring it was let through. In the others that may be before or after.
  absl::flat_hash_map<Id, absl::InlinedVector<std::uint16_t, 1>> let_through_in_;
  std::vector<Ring> rings_;
  absl::flat_hash_map<Id, Home> homes_;  // with several rings
  std::size_t at_ = 0, next_asked_ = 0;
  bool changed_ = false;
};

EventOrder::EventOrder(const Snapshot& snap, const std::vector<EventPair>& pairs)
    : snap_(snap), pairs_(pairs) {
  for (const auto& [one, other] : pairs) {
    asked_.push_back({one, 0, {}});
    asked_.push_back({other, 0, {}});
  }
  const auto before = [](const Asked& a, const Asked& b) { return a.at < b.at; };
  std::sort(asked_.begin(), asked_.end(), before);
  const auto same = [](const Asked& a, const Asked& b) { return a.at == b.at; };
  asked_.erase(std::unique(asked_.begin(), asked_.end(), same), asked_.end());
}

const EventOrder::Asked& EventOrder::At(std::size_t at) const {
  return *std::lower_bound(asked_.begin(), asked_.end(), at,
                           [](const Asked& a, std::size_t n) { return a.at < n; });
}

EventOrder::Ring& EventOrder::RingOf(const Event& e) {
  if (e.ring >= rings_.size()) rings_.resize(std::size_t{e.ring} + 1);
  return rings_[e.ring];
}

Set EventOrder::Of(const ThingKey& thing, const Event& e) const {
  const auto it = things_.find(thing);
  if (it == things_.end()) return 0;
  Set set = 0;
  for (const Since& s : it->second) {
    if (s.ring != e.ring || s.at < at_) set |= s.set;
  }
  return set;
}

void EventOrder::Give(const ThingKey& thing, std::uint16_t ring, std::size_t at, Set set) {
  if (set == 0) return;
  auto& known = things_[thing];
  for (const Since& s : known) {
    if (s.ring == ring && s.at <= at) set &= ~s.set;
  }
  if (set == 0) return;
  known.push_back({ring, at, set});
  changed_ = true;
}

// The task knows it from this event on; if another thread noted that, from a park on at which that
// one can have come.
void EventOrder::Tell(Id task, const Event& e, Set set) {
  if (task == 0) return;
  const auto home = homes_.find(task);
  if (home == homes_.end() || home->second.moved || home->second.ring == e.ring) {
    return Give({Thing::kTask, task}, e, set);
  }
  const Event& before = RingOf(e).last_but_wakes;
  const bool ended =
      e.kind == event_kind::kWake && before.kind == event_kind::kFinish && before.task == e.task;
  const std::size_t park = ended ? home->second.first_join : home->second.first_wait;
  if (park == Home::kNever || Lossy()) return Give({Thing::kTask, task}, e, set);
  Give({Thing::kTask, task}, home->second.ring, park, set);
}

// What comes before this event of its task.
Set EventOrder::Mine(const Event& e) {
  if (e.task == 0) return 0;
  bool all = !let_through_.empty() && let_through_.erase({e.ring, e.task}) > 0;
  if (const auto it = let_through_in_.find(e.task); !all && it != let_through_in_.end()) {
    all = std::any_of(it->second.begin(), it->second.end(),
                      [&](std::uint16_t ring) { return ring != e.ring; });
  }
  const Set set = all ? Of({Thing::kEverything, 0}, e) : 0;
  if (all) Tell(e.task, e, set);
  return set | Of({Thing::kTask, e.task}, e);
}

void EventOrder::ParkedIn(const Event& e) {
  let_through_.insert({e.ring, e.task});
  if (snap_.events.OneRing()) return;
  auto& rings = let_through_in_[e.task];
  if (std::find(rings.begin(), rings.end(), e.ring) == rings.end()) rings.push_back(e.ring);
}

void EventOrder::Ask(const Event& e) {
  const Set self = Set{1} << next_asked_;
  Asked& asked = asked_[next_asked_++];
  const Set before = asked.before | Mine(e);
  changed_ |= before != asked.before;
  asked.before = before;
  Give({Thing::kTask, e.task}, e, self);
  Give({Thing::kEverything, 0}, e, self);
}

// An unbuffered send returns after its receive. The two events stand side by side.
void EventOrder::ReceiveAfter(const Event& send, const Event& e) {
  if (send.kind != event_kind::kSend || send.object != e.object) return;
  Tell(send.task, e, Mine(e));
}

void EventOrder::Step(const Event& e) {
  const ThingKey sent{Thing::kSent, e.object}, received{Thing::kReceived, e.object};
  switch (e.kind) {
    // All that the new task does is later.
    case event_kind::kSpawn: Give({Thing::kTask, e.arg}, e, Mine(e)); break;
    case event_kind::kPark:
      if (LetsThroughUnseen(e.arg)) ParkedIn(e);
      break;
    case event_kind::kWake: {
      const Event& before = RingOf(e).last_but_wakes;
      if (before.kind == event_kind::kUnlock && before.task == e.task) break;
      // A park in a wait group or the like may have been overwritten.
      Tell(e.arg, e, Lossy() ? Of({Thing::kEverything, 0}, e) : Mine(e));
      break;
    }
    case event_kind::kSend:
      Give(sent, e, Mine(e));
      Tell(e.task, e, Of(received, e));
      break;
    case event_kind::kRecv:
      Give(received, e, Mine(e));
      Tell(e.task, e, Of(sent, e));
      ReceiveAfter(RingOf(e).last, e);
      break;
    case event_kind::kClose: Give(sent, e, Mine(e)); break;
    case event_kind::kPass:
      if (static_cast<WaitKind>(e.arg) == WaitKind::kJoin) {
        Tell(e.task, e, Of({Thing::kTask, e.object}, e));
      } else if (static_cast<WaitKind>(e.arg) == WaitKind::kChanRecv) {
        Tell(e.task, e, Of(sent, e));
      } else {
        Tell(e.task, e, Of({Thing::kEverything, 0}, e));
      }
      break;
    default: break;
  }
}

void EventOrder::NoteHome(const Event& e) {
  // Another thread may note sends and receives.
  if (e.task == 0 || e.kind == event_kind::kSend || e.kind == event_kind::kRecv) return;
  const auto [it, fresh] = homes_.try_emplace(e.task, Home{e.ring});
  Home& home = it->second;
  home.moved |= home.ring != e.ring;
  if (e.kind != event_kind::kPark) return;
  switch (static_cast<WaitKind>(e.arg)) {
    case WaitKind::kMutexLock:
    case WaitKind::kRwMutexRLock:
    case WaitKind::kRwMutexLock:
    case WaitKind::kSleep: break;
    case WaitKind::kJoin: home.first_join = std::min(home.first_join, at_); break;
    default: home.first_wait = std::min(home.first_wait, at_);
  }
}

// What the rounds need to know before they begin.
bool EventOrder::Explore() {
  const bool one_ring = snap_.events.OneRing();
  bool bounded = true;
  snap_.events.ForEach([&](const Event& e) {
    Ring& ring = RingOf(e);
    if (ring.first_time == 0) ring.first_time = e.time_ns;
    if (ring.second_time == 0 && e.time_ns != ring.first_time) ring.second_time = e.time_ns;
    if (next_asked_ < asked_.size() && asked_[next_asked_].at == at_) {
      asked_[next_asked_++].event = e;
      asked_tasks_.insert(e.task);
    }
    if (!one_ring) NoteHome(e);
    // Of those without room it is not known who started them.
    if (e.kind == event_kind::kSpawn && spawners_.size() < kMostThings) spawners_[e.arg] = e.task;
    bounded = homes_.size() <= kMostThings;
    ++at_;
    return bounded && !(one_ring && next_asked_ == asked_.size());
  });
  return bounded;
}

bool EventOrder::Pass(const Event& e) {
  Ring& ring = RingOf(e);
  if (next_asked_ < asked_.size() && asked_[next_asked_].at == at_) Ask(e);
  if (e.kind != event_kind::kLock && e.kind != event_kind::kUnlock) Step(e);
  ring.last = e;
  if (e.kind != event_kind::kWake) ring.last_but_wakes = e;
  ++at_;
  return things_.size() + let_through_in_.size() + let_through_.size() <= kMostThings;
}

bool EventOrder::Round() {
  at_ = next_asked_ = 0;
  changed_ = false;
  let_through_.clear();
  for (Ring& ring : rings_) ring.last = ring.last_but_wakes = {};
  const bool one_ring = snap_.events.OneRing();
  bool bounded = true;
  snap_.events.ForEach([&](const Event& e) {
    bounded = Pass(e);
    // In one ring nothing that comes later matters.
    return bounded && !(one_ring && next_asked_ == asked_.size());
  });
  return bounded;
}

// Whoever began outside, as an OS thread or by a timer, may be ordered by what is not recorded, and
// so may all that it started: only what comes from main is known.
bool EventOrder::SpawnSeen(const Asked& a) const {
  Id at = a.event.task;
  const auto& worlds = snap_.worlds.all();
  for (std::size_t steps = 0; at != 0 && steps < kMostThings; ++steps) {
    const auto is_its_main = [at](const World& world) { return world.main_task == at; };
    if (std::any_of(worlds.begin(), worlds.end(), is_its_main)) return true;
    const Task* task = snap_.tasks.Find(at);
    if (task != nullptr && (task->is_main || task->is_thread)) return task->is_main;
    if (const auto it = spawners_.find(at); it != spawners_.end()) {
      at = it->second;
      continue;
    }
    const SpawnNode* node = task == nullptr ? nullptr : snap_.spawns.Find(task->spawn);
    const SpawnNode* above = node == nullptr ? nullptr : snap_.spawns.Find(node->parent);
    at = above == nullptr ? 0 : above->task;
  }
  return false;
}

bool EventOrder::Known(const Asked& one, const Asked& other) const {
  const auto spawned_by = [&](const Asked& a, const Asked& b) {
    const auto it = spawners_.find(a.event.task);
    return it != spawners_.end() && it->second == b.event.task;
  };
  const bool family = spawned_by(one, other) || spawned_by(other, one);
  if (!family && !(SpawnSeen(one) && SpawnSeen(other))) return false;
  if (snap_.events.OneRing() || !Lossy()) return true;
  // What was overwritten is older than the first new time of its ring.
  const std::int64_t since = std::min(one.event.time_ns, other.event.time_ns);
  return std::all_of(rings_.begin(), rings_.end(), [&](const Ring& ring) {
    if (ring.first_time == 0) return true;
    return ring.second_time != 0 && ring.second_time + kLongestTick <= since;
  });
}

std::vector<bool> EventOrder::Judge() {
  std::vector<bool> concurrent(pairs_.size(), false);
  if (!Explore()) return concurrent;
  // One ring is known after a round, several when nothing new comes.
  bool settled = false;
  for (std::size_t round = 0; round < kMostRounds && !settled; ++round) {
    if (!Round()) return concurrent;
    settled = !changed_ || snap_.events.OneRing();
  }
  if (!settled) return concurrent;
  for (std::size_t i = 0; i < pairs_.size(); ++i) {
    const Asked &one = At(pairs_[i].first), &other = At(pairs_[i].second);
    const Set first = Set{1} << (&one - asked_.data()), second = Set{1} << (&other - asked_.data());
    concurrent[i] = (one.before & second) == 0 && (other.before & first) == 0 && Known(one, other);
  }
  return concurrent;
}

}  // namespace

std::vector<bool> AreConcurrent(const Snapshot& snap, const std::vector<EventPair>& pairs) {
  if (pairs.empty() || pairs.size() > kMostEventPairs) {
    return std::vector<bool>(pairs.size(), false);
  }
  return EventOrder(snap, pairs).Judge();
}

}  // namespace stranded::detector
