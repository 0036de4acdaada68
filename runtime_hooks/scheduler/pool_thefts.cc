// Which tasks a worker takes from another one, and whether that was worth it.
//
// Two workers do not get done more than one if their tasks wait for each other all the time: what
// they share goes to and fro between the processors. Nothing tells beforehand, so each theft is on
// trial: for kTrial the two may settle, for as long they are watched. If they get little more done
// than the victim did alone, the thief gives back what it has, and it takes longer before the next
// theft. A trial that was passed is held again after kPassedFor. Nothing is given back to a victim
// that does not get on.
#include <algorithm>
#include <chrono>
#include <utility>

#include "runtime_hooks/scheduler/pool_world.h"

namespace stranded::internal {
namespace {

using std::chrono::microseconds;
using std::chrono::steady_clock;

constexpr std::size_t kMostStolen = 4096, kMostGiven = 128;  // given from the stack of a task
// Tasks that their owner will have run within this time are not worth fetching.
constexpr microseconds kWorthStealing{50};
constexpr int kMostVainThefts = 10;
constexpr microseconds kTrial{250};
// Tasks change what they do: so long after a trial that was passed the next one is due.
constexpr microseconds kPassedFor{50'000};
constexpr int kMostUnknown = 2;
constexpr double kWorthIt = 1.05, kHopeless = 0.75;
// Operations in a microsecond. Below this, they cannot be what takes the time.
constexpr double kBusy = 1;

double PerMicrosecond(std::uint64_t count, steady_clock::duration time) {
  const auto us = std::chrono::duration<double, std::micro>(time).count();
  return us > 0 ? static_cast<double>(count) / us : 0;
}

}  // namespace

// What its tasks have got done so far, in units of about one operation: a worker that only makes
// tasks and one that only runs them get as much done in the same time. Relaxed: compared with
// itself, or added up.
std::uint64_t PoolWorld::Done(const Worker& worker) {
  return worker.ops.load(std::memory_order_relaxed) +
         static_cast<std::uint64_t>(3 * worker.spawned.load(std::memory_order_relaxed) +
                                    2 * worker.finished.load(std::memory_order_relaxed));
}

Task* PoolWorld::StealFrom(Worker* victim, Worker* thief) {
  Task* loot[kMostStolen];
  const std::size_t count = victim->queue.Steal(loot, kMostStolen);
  if (count == 0) return nullptr;
  victim->robbed.store(true, std::memory_order_relaxed);
  victim->wakes_to_skip.store(0, std::memory_order_relaxed);
  victim->wakes_skipped_next.store(0, std::memory_order_relaxed);
  for (std::size_t i = count; i-- > 1;) thief->queue.PushNew(loot[i]);
  thief->trial.to_finish =
      thief->finished.load(std::memory_order_relaxed) + static_cast<std::int64_t>(count + 1) / 2;
  return loot[0];
}

// What one moment shows means little: a task may be queueing others that it is about to wait for,
// and their worker has run them before they could be fetched.
bool PoolWorld::Lasts(const Worker& victim, int patience, Glimpse& first,
                      steady_clock::time_point now) {
  const std::size_t ready = victim.queue.size();
  const std::uint32_t picks = victim.picks.load(std::memory_order_relaxed);
  const std::uint32_t drained = victim.drained.load(std::memory_order_relaxed);
  if (ready == 0 || first.ready == 0 || drained != first.drained) {
    first = {ready, drained, picks, Done(victim), now, picks, now};
    return false;
  }
  if (picks != first.last_picks) {
    first.last_picks = picks;
    first.moved_at = now;
  } else if (now - first.moved_at >= kWorthStealing) {
    return true;  // stuck behind one that runs long
  }
  const auto seen_for = now - first.at;
  if (seen_for < kWorthStealing) return false;
  const std::uint32_t ran = std::max(1U, picks - first.picks);
  // Too many, or always some for a while; for longer where that did not help before.
  const bool busy = PerMicrosecond(Done(victim) - first.done, seen_for) >= kBusy;
  const auto wanted = kWorthStealing * (1 << (busy ? patience : 0));
  return seen_for / ran * ready >= wanted || seen_for >= 2 * wanted;
}

// What the sentinel finds when it wakes up: tasks that wait behind one that runs long, or that take
// long each, or that it is time again to try.
bool PoolWorld::SeesSurplus(const Worker& sentinel, std::vector<Glimpse>& seen,
                            steady_clock::time_point asleep_since) {
  const auto now = steady_clock::now();
  const int vain = vain_thefts_.load(std::memory_order_relaxed);
  const bool again = vain < kChatty || now - asleep_since >= kWorthStealing * (1 << vain);
  bool surplus = false;
  seen.resize(static_cast<std::size_t>(worker_count_.load(std::memory_order_acquire)));
  for (std::size_t i = 0; i < seen.size(); ++i) {
    const Worker& other = *by_index_[i].load(std::memory_order_acquire);
    if (&other == &sentinel) continue;
    const Glimpse then = seen[i];
    seen[i].ready = other.queue.size();
    seen[i].picks = other.picks.load(std::memory_order_relaxed);
    seen[i].done = Done(other);
    seen[i].at = now;
    if (then.ready == 0 || seen[i].ready == 0) continue;
    const bool slow = PerMicrosecond(seen[i].done - then.done, now - then.at) < kBusy;
    surplus |= again || slow || then.picks == seen[i].picks;
  }
  return surplus;
}

void PoolWorld::BeginTrial(Worker* thief, Worker* victim, const Glimpse& alone,
                           steady_clock::time_point now) {
  // One that was stuck, or not even scheduled, shows nothing.
  const bool moved = now - alone.moved_at < kWorthStealing;
  const double rate = moved ? PerMicrosecond(Done(*victim) - alone.done, now - alone.at) : 0;
  thief->robbed.store(false, std::memory_order_relaxed);
  Trial& trial = thief->trial;
  trial.stage = Trial::kSettles;
  trial.victim = victim;
  trial.alone = rate;
  trial.since = now;
}

PoolWorld::Verdict PoolWorld::Judge(const Trial& trial, const Worker& thief,
                                    steady_clock::duration time) {
  const std::uint64_t victims = Done(*trial.victim) - trial.victims;
  const double both = PerMicrosecond(victims + Done(thief) - trial.own, time);
  const bool over = time >= kTrial;
  if (both < kBusy || PerMicrosecond(victims, time) < kBusy / 2) {
    return over ? Verdict::kNeither : Verdict::kOpen;
  }
  if (trial.alone < kBusy) {
    return trial.unknown < kMostUnknown ? Verdict::kUnknown : Verdict::kNeither;
  }
  if (!over) return both < kHopeless * trial.alone ? Verdict::kVain : Verdict::kOpen;
  return both >= kWorthIt * trial.alone ? Verdict::kPays : Verdict::kVain;
}

// The thief has nothing left to do: soon after a theft that says enough, if it is not because so
// many have come to their end.
void PoolWorld::EndTrial(Worker* thief) {
  Trial& trial = thief->trial;
  const bool finished = thief->finished.load(std::memory_order_relaxed) >= trial.to_finish;
  const bool soon = trial.stage == Trial::kSettles && !finished;
  const bool vain = trial.stage == Trial::kRuns &&
                    Judge(trial, *thief, steady_clock::now() - trial.since) == Verdict::kVain;
  if (soon || vain) {
    NoteVain(trial.victim);
  } else if (trial.stage != Trial::kNone && finished) {
    // No proof, but a good sign.
    vain_thefts_.store(vain_thefts_.load(std::memory_order_relaxed) / 2, std::memory_order_relaxed);
  }
  trial.stage = Trial::kNone;
}

void PoolWorld::NoteVain(Worker* victim) {
  const int vain = vain_thefts_.load(std::memory_order_relaxed);
  vain_thefts_.store(std::min(vain + 1, kMostVainThefts), std::memory_order_relaxed);
  victim->wakes_to_skip.store(Worker::kMostWakesSkipped, std::memory_order_relaxed);
  victim->wakes_skipped_next.store(Worker::kMostWakesSkipped, std::memory_order_relaxed);
}

// True if the thief has given back what it had.
bool PoolWorld::GivesBack(Worker* thief) {
  Trial& trial = thief->trial;
  // It has become a victim itself, perhaps of its own: two that give back to each other would go on
  // for long. Or it has made so many tasks that they are its own by now. Or its victim is no more.
  if (thief->robbed.load(std::memory_order_relaxed) || thief->queue.size() > kMostStolen ||
      forked_child.load(std::memory_order_relaxed)) {
    trial.stage = Trial::kNone;
    return false;
  }
  const auto now = steady_clock::now();
  const Verdict verdict = NextVerdict(thief, now);
  const std::uint32_t picks = trial.victim->picks.load(std::memory_order_relaxed);
  const bool moves = std::exchange(trial.victim_picks, picks) != picks;
  switch (verdict) {
    case Verdict::kOpen: return false;
    case Verdict::kPays: vain_thefts_.store(0, std::memory_order_relaxed); [[fallthrough]];
    case Verdict::kNeither:
      trial.unknown = 0;
      trial.stage = Trial::kPassed;
      trial.since = now;
      return false;
    case Verdict::kVain:
    case Verdict::kUnknown: break;
  }
  if (!moves) return false;  // tasks would wait there; see again when it has moved
  trial.stage = Trial::kNone;
  if (verdict == Verdict::kVain) {
    trial.unknown = 0;
    NoteVain(trial.victim);
  } else {
    ++trial.unknown;
    thief->due = true;  // to see how the victim does alone
  }
  GiveBack(thief, trial.victim);
  return true;
}

PoolWorld::Verdict PoolWorld::NextVerdict(Worker* thief, steady_clock::time_point now) {
  Trial& trial = thief->trial;
  const auto time = now - trial.since;
  if (trial.stage == Trial::kRuns) {
    return time < kTrial / 4 ? Verdict::kOpen : Judge(trial, *thief, time);
  }
  const bool again = trial.stage == Trial::kPassed;
  if (time < (again ? kPassedFor : kTrial)) return Verdict::kOpen;
  if (again) trial.alone = 0;  // of now it is not known: if they are busy, it must be seen first
  trial.stage = Trial::kRuns;
  trial.own = Done(*thief);
  trial.victims = Done(*trial.victim);
  trial.since = now;
  return Verdict::kOpen;
}

void PoolWorld::GiveBack(Worker* thief, Worker* victim) {
  Task* all[kMostGiven];
  for (bool more = true; more;) {
    std::size_t count = 0;
    while (count < kMostGiven && (all[count] = thief->queue.TakeOld()) != nullptr) ++count;
    more = count == kMostGiven;
    given_back_.fetch_add(count, std::memory_order_relaxed);
    if (count == 0 || victim->queue.Give(all, count)) continue;
    for (std::size_t i = 0; i < count; ++i) PushShared(all[i]);  // it is in a system call
  }
  // Who adds up what is ready at this moment may have missed them: for them something has moved.
  thief->picks.store(thief->picks.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  // The victim may have found nothing a moment ago and gone to sleep; see Sleep().
  FullBarrier();
  if (asleep_.load(std::memory_order_seq_cst) > 0) WakeAllSleepers();
}

// When all workers have something to do, nobody looks for tasks behind one that runs long: now and
// then one that goes on fetches those, for after its own.
void PoolWorld::FetchStuck(Worker* worker) {
  constexpr std::int64_t kEveryNs = 10'000'000;
  constexpr std::size_t kMost = 64;
  const auto count = static_cast<std::size_t>(worker_count_.load(std::memory_order_acquire));
  if (count == 1) return;
  const std::int64_t now = TickNs();
  if (now >= worker->watched_ns && now - worker->watched_ns < kEveryNs) return;
  worker->watched_ns = now;
  for (std::size_t i = 0; i < count; ++i) {
    Worker* other = by_index_[i].load(std::memory_order_acquire);
    if (other == worker) continue;
    Watched& then = worker->watched[i];
    const std::size_t ready = other->queue.size();
    const std::uint32_t picks = other->picks.load(std::memory_order_relaxed);
    if (ready > 0 && then.ready > 0 && then.picks == picks) {
      Task* stuck[kMost];
      const std::size_t fetched = other->queue.Steal(stuck, kMost);
      for (std::size_t k = fetched; k-- > 0;) worker->queue.PushOld(stuck[k]);
      other->robbed.store(true, std::memory_order_relaxed);
    }
    then.ready = ready;
    then.picks = picks;
  }
}

}  // namespace stranded::internal
