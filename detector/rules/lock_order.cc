// Predicted: two locks that different tasks take in opposite orders. From the events of a trace.
#include <algorithm>
#include <limits>
#include <map>
#include <set>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "detector/fixes/fixes.h"
#include "detector/model/event_kind.h"
#include "detector/rules/event_order.h"
#include "detector/rules/recent_map.h"
#include "detector/rules/rule.h"
#include "detector/rules/world_rules.h"

namespace stranded::detector {
namespace {

// Numbers of the dump format.
constexpr std::uint64_t kShared = 1, kTried = 2;  // bits of a lock's arg
constexpr std::uint32_t kFirstWithPasses = 2;     // minor version

constexpr std::size_t kMostHeld = 32;
// Memory must not follow the trace, whose locks may come and go. Of pairs those not used for long
// are forgotten: then an order is missed. Who holds what is never forgotten, or a lock around both
// orders would be: beyond this number the rest of the trace is left out.
constexpr std::size_t kMostPairs = 1 << 17, kMostHolders = 1 << 16;
constexpr std::size_t kMostSearched = 1 << 8;  // holders, for one whose lock another one unlocks
constexpr std::size_t kMostAtPlaces = 4;  // conflicts at one pair of places that are looked into

struct Held {
  Id lock = 0;
  SiteId site = 0;
  bool shared = false;
};

// Somebody held `first` when he took `second`.
struct Order {
  Held first, second;
  Id task = 0;
  std::size_t at = 0;   // number of the event
  std::set<Id> others;  // what he held besides
};
using Conflict = std::pair<Order, Order>;

class Orders {
 public:
  Orders(const Snapshot& snap, Id since) : snap_(snap), since_(since) {}

  // Pairs in opposite orders that could meet, one for each pair of places.
  std::vector<Conflict> Conflicts();

 private:
  using Holder = std::pair<std::uint32_t, Id>;  // ring and task

  // All three: false when there are too many holders.
  bool Follow(const Event& e);
  bool NoteParked(const Event& e);
  void Take(const Event& e, std::vector<Held>& held);
  void NoteHandedOver(const Event& e);
  bool NoteSpawn(const Event& e);
  void Compare(const Order& order);
  std::vector<Conflict> ThoseThatCanMeet() const;

  const Snapshot& snap_;
  const Id since_;
  RecentMap<std::pair<Id, Id>, std::vector<Order>> orders_{kMostPairs};
  absl::flat_hash_map<Holder, std::vector<Held>> held_;  // who holds something
  // By task: what it held when it parked. It may go on on another thread, in another ring, and
  // still hold it there: that counts as a lock around whatever it takes.
  absl::flat_hash_map<Id, std::set<Id>> held_at_parks_;
  // By task: what its spawner held, which may wait for it before it lets go.
  absl::flat_hash_map<Id, std::set<Id>> inherited_;
  // Locks that a task unlocked while another one held them. Who unlocks it so, and takes it again,
  // does not wait for that one.
  std::set<Id> handed_over_;
  // Rings in which the events of interest have begun.
  std::vector<bool> begun_;
  std::vector<Conflict> conflicts_;
  std::map<std::pair<SiteId, SiteId>, std::size_t> at_places_;  // how many of them
  std::size_t at_ = 0;                                          // number of the event
};

std::pair<SiteId, SiteId> Places(const Order& one, const Order& other) {
  return std::minmax(one.second.site, other.second.site);
}

std::vector<Conflict> Orders::Conflicts() {
  if (!snap_.events.HasKind(event_kind::kLock)) return {};
  begun_.resize(std::size_t{std::numeric_limits<decltype(Event::ring)>::max()} + 1);
  // Rings stand one after the other, so what was inherited in a later one would come too late; what
  // that one inherited itself is known the second time.
  for (int round = 0; round < 2 && !snap_.events.OneRing(); ++round) {
    snap_.events.ForEach([this](const Event& e) { return NoteParked(e); });
    held_.clear();
  }
  snap_.events.ForEach([this](const Event& e) {
    const bool more = Follow(e);
    ++at_;
    return more;
  });
  return ThoseThatCanMeet();
}

// What only ever comes one after the other, as before and after a join, cannot wait in a cycle.
std::vector<Conflict> Orders::ThoseThatCanMeet() const {
  std::vector<EventPair> pairs;
  for (const auto& [one, other] : conflicts_) pairs.emplace_back(one.at, other.at);
  const std::vector<bool> concurrent = AreConcurrent(snap_, pairs);
  std::vector<Conflict> out;
  std::set<std::pair<SiteId, SiteId>> told;
  for (std::size_t i = 0; i < conflicts_.size(); ++i) {
    const auto& [one, other] = conflicts_[i];
    if (handed_over_.contains(one.first.lock) || handed_over_.contains(other.first.lock)) continue;
    if (concurrent[i] && told.insert(Places(one, other)).second) out.push_back(conflicts_[i]);
  }
  return out;
}

bool Orders::NoteParked(const Event& e) {
  if (e.kind == event_kind::kLock) {
    std::vector<Held>& mine = held_[{e.ring, e.task}];
    if (mine.size() < kMostHeld) mine.push_back({e.object, e.site, (e.arg & kShared) != 0});
    return held_.size() <= kMostHolders;
  }
  if (e.kind == event_kind::kSpawn) return NoteSpawn(e);
  const auto mine = held_.find({e.ring, e.task});
  const bool lets_go = e.kind == event_kind::kUnlock || e.kind == event_kind::kPark;
  if (mine == held_.end() || !lets_go) return true;
  if (e.kind == event_kind::kUnlock) {
    std::erase_if(mine->second, [&](const Held& h) { return h.lock == e.object; });
  } else {
    for (const Held& h : mine->second) held_at_parks_[e.task].insert(h.lock);
    mine->second.clear();
  }
  if (mine->second.empty()) held_.erase(mine);
  return held_at_parks_.size() <= kMostHolders;
}

bool Orders::Follow(const Event& e) {
  if (!begun_[e.ring]) {
    begun_[e.ring] = e.task >= since_ || (e.kind == event_kind::kSpawn && e.arg >= since_);
    if (!begun_[e.ring]) return true;
  }
  if (e.kind == event_kind::kLock) {
    Take(e, held_[{e.ring, e.task}]);
    return held_.size() <= kMostHolders;
  }
  if (e.kind == event_kind::kSpawn) return NoteSpawn(e);
  if (e.kind == event_kind::kUnlock) NoteHandedOver(e);
  if (held_.empty() ||
      (e.kind != event_kind::kUnlock && (e.kind != event_kind::kPark || snap_.events.OneRing()))) {
    return true;
  }
  const auto mine = held_.find({e.ring, e.task});
  if (mine == held_.end()) return true;
  if (e.kind == event_kind::kUnlock) {
    std::erase_if(mine->second, [&](const Held& h) { return h.lock == e.object; });
  } else {
    // It may go on on another thread, and unlock there: from here on nothing is certain.
    mine->second.clear();
  }
  if (mine->second.empty()) held_.erase(mine);
  return true;
}

void Orders::NoteHandedOver(const Event& e) {
  const auto is_it = [&](const Held& h) { return h.lock == e.object && !h.shared; };
  const auto mine = held_.find({e.ring, e.task});
  if (mine != held_.end() && std::any_of(mine->second.begin(), mine->second.end(), is_it)) return;
  if (held_.size() > kMostSearched || handed_over_.size() == kMostPairs) return;
  for (auto& [holder, held] : held_) {
    if (std::erase_if(held, is_it) > 0) handed_over_.insert(e.object);
  }
}

void Orders::Take(const Event& e, std::vector<Held>& held) {
  const Held taken{e.object, e.site, (e.arg & kShared) != 0};
  for (const Held& first : held) {
    // Whoever only tries does not wait for the second one.
    if (first.lock == taken.lock || (e.arg & kTried) != 0) continue;
    Order order{first, taken, e.task, at_, {}};
    for (const Held& other : held) {
      if (other.lock != first.lock) order.others.insert(other.lock);
    }
    if (const auto parked = held_at_parks_.find(e.task); parked != held_at_parks_.end()) {
      order.others.insert(parked->second.begin(), parked->second.end());
    }
    if (const auto above = inherited_.find(e.task); above != inherited_.end()) {
      order.others.insert(above->second.begin(), above->second.end());
    }
    order.others.erase(first.lock);
    order.others.erase(taken.lock);
    Compare(order);
    std::vector<Order>& known = orders_[{first.lock, taken.lock}];
    if (known.size() < 8) known.push_back(std::move(order));
  }
  // Nobody holds so many: their unlocks were lost with events that were overwritten.
  if (held.size() >= kMostHeld) held.clear();
  held.push_back(taken);
}

bool Orders::NoteSpawn(const Event& e) {
  std::set<Id> locks;
  if (const auto held = held_.find({e.ring, e.task}); held != held_.end()) {
    for (const Held& h : held->second) locks.insert(h.lock);
  }
  if (const auto above = inherited_.find(e.task); above != inherited_.end()) {
    locks.insert(above->second.begin(), above->second.end());
  }
  if (!locks.empty()) inherited_[e.arg].insert(locks.begin(), locks.end());
  return inherited_.size() <= kMostHolders;
}

void Orders::Compare(const Order& order) {
  const auto* opposite = orders_.Find({order.second.lock, order.first.lock});
  if (opposite == nullptr) return;
  for (const Order& other : *opposite) {
    if (other.task == order.task) continue;  // one task cannot wait for itself in this way
    // A third lock around both orders keeps them apart; and readers do not stop each other.
    const bool guarded = std::any_of(order.others.begin(), order.others.end(),
                                     [&](Id lock) { return other.others.contains(lock); });
    const bool readers =
        (order.first.shared && other.second.shared) || (order.second.shared && other.first.shared);
    if (guarded || readers) continue;
    if (conflicts_.size() < kMostEventPairs && at_places_[Places(order, other)]++ < kMostAtPlaces) {
      conflicts_.emplace_back(other, order);
    }
  }
}

// "lock 21", or "the mutex made at a.cc:3" where the dump has it.
std::string LockText(const Situation& s, Id lock) {
  const Sync* sync = s.snap().syncs.Find(lock);
  if (sync == nullptr) return absl::StrCat("lock ", lock);
  return absl::StrCat("the ", SyncText(*sync), " made at ", Place(s, sync->site));
}

std::string Line(const Situation& s, const Order& o) {
  return absl::StrCat(TaskText(s, o.task), " held ", LockText(s, o.first.lock), ", taken at ",
                      Place(s, o.first.site), ", and took ", LockText(s, o.second.lock), " at ",
                      Place(s, o.second.site));
}

}  // namespace

void FindLockOrders(const Situation& s, std::vector<FindingData>& out) {
  // Without passes a join is not seen if its task had finished.
  if (s.dump().version_minor < kFirstWithPasses) return;
  for (const auto& [one, other] : Orders(s.snap(), s.options().tasks_since).Conflicts()) {
    FindingData data;
    data.rule = kLockOrderText.id;
    data.verdict = "predicted";
    data.wait = "lock";
    data.wait_site = SiteText(s, one.second.site);
    data.spawn_site = SiteText(s, other.second.site);
    data.title = "two locks are taken in both orders by different tasks";
    data.tasks = {one.task, other.task};
    data.graph = {Line(s, one), Line(s, other)};
    data.notes.push_back(
        "Nothing is stuck in this run: it takes both tasks to be between their two locks at the "
        "same time. The trace shows no join, channel or the like that keeps them apart; it does "
        "not "
        "see flags, atomics, or what threads outside do.");
    data.fixes.push_back(SimpleFix(
        FixKind::kLockOrder, data.wait_site,
        "Take these locks in the same order everywhere, or let go of one before taking the next.",
        "With one order for all tasks no cycle can form."));
    out.push_back(std::move(data));
  }
}

const RuleText kLockOrderText = {
    "lock-order", "two locks are taken in both orders (predicted)",
    "One task took lock A and then B, another one B and then A. In this run they did not meet; on "
    "another schedule each holds its first lock and waits for the other's for ever. Needs the "
    "events of a trace (record=trace). Not reported are pairs that a third lock keeps apart, pairs "
    "of read locks, and tasks that this run shows to come one after the other: one was started "
    "after the other was joined, or heard of it by a channel, a WaitGroup or the like. Nor are "
    "locks taken with TryLock() as the second one, locks that another task than their holder "
    "unlocks, a lock that the tasks' parents hold around "
    "both, or tasks that an OS thread or a timer started. A trace does not see flags (under a "
    "lock or atomic) by which tasks may be ordered as well.\n"
    "\n"
    "Fix: one order for the locks, followed everywhere."};

}  // namespace stranded::detector
