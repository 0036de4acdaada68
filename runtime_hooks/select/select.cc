// Select after Go's selectgo: take a ready case, or lock all channels in address order and wait on
// all.
#include "stranded/select.h"

#include <algorithm>
#include <array>
#include <memory>
#include <tuple>

#include "runtime_hooks/channel/chan_steps.h"
#include "runtime_hooks/recorder/events.h"
#include "runtime_hooks/scheduler/reclaim.h"
#include "runtime_hooks/scheduler/relief.h"
#include "runtime_hooks/select/glance.h"
#include "runtime_hooks/select/left_later.h"

namespace stranded {
namespace internal {
namespace {

bool IsSend(const SelectCase& c) { return c.op == CaseOp::kSend; }

// Uninitialised room for `count` objects, the first few without an allocation.
template <class T>
class RoomFor {
 public:
  explicit RoomFor(std::size_t count) {
    if (count > kGlanceCases) heap_.reset(new T[count]);
  }
  T* data() { return heap_ != nullptr ? heap_.get() : reinterpret_cast<T*>(inline_); }

 private:
  static_assert(std::is_trivially_destructible_v<T>);
  alignas(T) unsigned char inline_[kGlanceCases * sizeof(T)];  // NOLINT: of pointers, too
  std::unique_ptr<T[]> heap_;
};

// The channels of a select in the order of their addresses, each once.
class LockSet {
 public:
  LockSet(const SelectCase* cases, std::size_t count) : room_(count) {
    ChanCore** chans = room_.data();
    for (std::size_t i = 0; i < count; ++i) {
      if (cases[i].chan != nullptr) chans[size_++] = cases[i].chan;
    }
    std::sort(chans, chans + size_);
    size_ = static_cast<std::size_t>(std::unique(chans, chans + size_) - chans);
  }
  void Lock() ABSL_NO_THREAD_SAFETY_ANALYSIS {
    ChanCore** chans = room_.data();
    for (std::size_t i = 0; i < size_; ++i) chans[i]->lock.Lock();
  }
  void Unlock() ABSL_NO_THREAD_SAFETY_ANALYSIS {
    ChanCore** chans = room_.data();
    for (std::size_t i = size_; i-- > 0;) chans[i]->lock.Unlock();
  }

 private:
  RoomFor<ChanCore*> room_;
  std::size_t size_ = 0;
};

void NoteTried(const SelectCase* cases, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    if (cases[i].chan != nullptr) {
      cases[i].chan->observed_try.store(true, std::memory_order_relaxed);
    }
  }
}

// In the channels of the cases not taken: that `self` left them for the chosen one. With the locks
// of all held.
void NoteLeftLocked(const LeftNote& note, const SelectCase* cases, std::size_t count,
                    const ChanCore* chosen, bool waited) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  for (std::size_t i = 0; i < count; ++i) {
    ChanCore* const chan = cases[i].chan;
    if (chan == nullptr || chan == chosen) continue;
    note.Leave(chan, IsSend(cases[i]), cases[i].site, waited);
  }
}
// ... with none held.
__attribute__((noinline)) void NoteLeftEach(const LeftNote& note, const SelectCase* cases,
                                            std::size_t count, const ChanCore* chosen) {
  const ThreadBlock* const here = Here();
  for (std::size_t i = 0; i < count; ++i) {
    ChanCore* const chan = cases[i].chan;
    if (chan == nullptr || chan == chosen) continue;
    if (chan->lock.TryAsFirst(here)) [[likely]] {
      note.Leave(chan, IsSend(cases[i]), cases[i].site, false);
      chan->lock.UnlockAsFirst();
    } else {
      SpinGuard guard(chan->lock);
      note.Leave(chan, IsSend(cases[i]), cases[i].site, false);
    }
  }
}

// True if the case went through; `*on_closed` if it is a send on a closed channel.
bool Take(Task* self, SelectCase& c, bool* on_closed) {
  if (!IsSend(c)) return RecvNow(c.chan, self, c.slot, &c.received, c.site);
  if (c.chan->closed) {
    *on_closed = true;
    return true;
  }
  return SendNow(c.chan, self, c.slot, c.site);
}

std::size_t Chosen(Task* self, const SelectCase* cases, std::size_t chosen, bool on_closed) {
  Record(EventKind::kSelect, self->id, 0, cases[chosen].site, chosen);
  if (on_closed) ThrowSendOnClosed(cases[chosen].chan, cases[chosen].site);
  if (cases[chosen].op != CaseOp::kDefault) CountOp();
  return chosen;
}

// Without the locks of all: one of those that were ready at one moment, or the default if none was.
// kNoCase if that did not work out, and all must be locked.
std::size_t TakeReady(Task* self, const View& view, SelectCase* cases,
                      std::size_t count) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  const std::size_t chosen = PickBit(self, view.ready);
  const bool says = !SaidBefore(self, view, cases, chosen) && self->notes;
  const bool keeps = says && Keeps(self, AmongOf(view, cases), cases, count);
  ChanCore* const chan = cases[chosen].chan;
  bool on_closed = false;
  chan->lock.Lock();
  if (!Take(self, cases[chosen], &on_closed)) {
    chan->lock.Unlock();
    return kNoCase;
  }
  if (keeps && cases[chosen].received) [[likely]] {
    KeepLeft(self, cases[chosen]);
    chan->lock.Unlock();
  } else if (says) {
    const LeftNote note(self, cases[chosen]);
    chan->lock.Unlock();
    if (keeps) KeepNothing(self);  // often the end of the loop: everybody may know
    NoteLeftEach(note, cases, count, chan);
  } else {
    chan->lock.Unlock();
  }
  return Chosen(self, cases, chosen, on_closed);
}

std::size_t TakeDefault(Task* self, const View& view, const SelectCase* cases, std::size_t count) {
  const std::size_t chosen = view.default_case;
  if (!SaidBefore(self, view, cases, chosen)) {
    NoteTried(cases, count);
    if (self->notes) {
      if (Keeps(self, AmongOf(view, cases), cases, count)) KeepNothing(self);
      NoteLeftEach(LeftNote(self, cases[chosen]), cases, count, nullptr);
    }
  }
  Record(EventKind::kSelect, self->id, 0, cases[chosen].site, chosen);
  return chosen;
}

class Selection {
 public:
  // Room before the locks are taken: nothing allocates under them.
  Selection(Task* self, SelectCase* cases, std::size_t count, std::uint64_t among,
            const std::source_location& site)
      : self_(self),
        cases_(cases),
        count_(count),
        site_(site),
        keeps_(self->notes && Keeps(self, among, cases, count)),
        locks_(cases, count),
        indexes_(count),
        waiters_(count) {}

  std::size_t Run();

 private:
  std::size_t TakeReady();
  void NoteLeftFor(std::size_t chosen, bool waited);
  void OfferAll();
  // Takes the entries out but that of `chosen`; returns how many channels have become orphans, and
  // leaves their indexes in `indexes_`.
  std::size_t WithdrawAll(std::size_t chosen);
  void WithdrawQueued();
  std::size_t Wait();

  Task* const self_;
  SelectCase* const cases_;
  const std::size_t count_;
  const std::source_location site_;
  const bool keeps_;
  LockSet locks_;
  RoomFor<std::uint32_t> indexes_;
  RoomFor<Waiter> waiters_;
  bool send_on_closed_ = false;
};

std::size_t Selection::TakeReady() {
  std::uint32_t* ready = indexes_.data();
  std::size_t size = 0;
  for (std::size_t i = 0; i < count_; ++i) {
    if (LooksReady(cases_[i])) ready[size++] = static_cast<std::uint32_t>(i);
  }
  while (size > 0) {
    const std::size_t pick = size == 1 ? 0 : self_->world->Choose(size);
    const std::size_t i = ready[pick];
    if (Take(self_, cases_[i], &send_on_closed_)) return i;
    std::copy(ready + pick + 1, ready + size, ready + pick);
    --size;
  }
  return kNoCase;
}

void Selection::NoteLeftFor(std::size_t chosen, bool waited) {
  self_->last_select = 0;  // what SaidBefore() knows is overwritten
  if (cases_[chosen].op == CaseOp::kDefault) NoteTried(cases_, count_);
  if (!self_->notes) return;
  if (keeps_) KeepNothing(self_);
  NoteLeftLocked(LeftNote(self_, cases_[chosen]), cases_, count_, cases_[chosen].chan, waited);
}

void Selection::OfferAll() {
  Waiter* const waiters = waiters_.data();
  for (std::size_t i = 0; i < count_; ++i) {
    if (cases_[i].chan == nullptr) continue;
    Waiter* const w = ::new (&waiters[i]) Waiter;
    w->task = self_;
    w->slot = cases_[i].slot;
    w->case_index = static_cast<std::uint32_t>(i);
    w->is_select = true;
    w->site = cases_[i].site;
    Offer(cases_[i].chan, w, IsSend(cases_[i]));
  }
}

std::size_t Selection::WithdrawAll(std::size_t chosen) {
  std::uint32_t* const orphans = indexes_.data();
  std::size_t size = 0;
  for (std::size_t i = 0; i < count_; ++i) {
    if (cases_[i].chan == nullptr || i == chosen) continue;
    if (Withdraw(cases_[i].chan, &waiters_.data()[i], IsSend(cases_[i]))) {
      orphans[size++] = static_cast<std::uint32_t>(i);
    }
  }
  return size;
}

// Of a task that is reclaimed: a channel that holds no entry of it any more may be gone.
void Selection::WithdrawQueued() {
  for (std::size_t i = 0; i < count_; ++i) {
    ChanCore* const chan = cases_[i].chan;
    if (chan == nullptr || !waiters_.data()[i].queued) continue;
    chan->lock.Lock();
    const bool last = Withdraw(chan, &waiters_.data()[i], IsSend(cases_[i]));
    chan->lock.Unlock();
    if (last) ReleaseOrphan(chan);
  }
}

std::size_t Selection::Wait() ABSL_NO_THREAD_SAFETY_ANALYSIS {
  self_->select_done.store(false, std::memory_order_relaxed);
  self_->wake_waiter = nullptr;
  OfferAll();
  BeginWait(self_, WaitKind::kSelect, site_, WaitNowNs(self_));
  self_->wait.cases = cases_;
  self_->wait.case_count = static_cast<std::uint32_t>(count_);
  const WakeReason reason = ParkHere(
      self_, [](void* p) { static_cast<LockSet*>(p)->Unlock(); }, &locks_);
  if (self_->unwinding == Unwinding::kReclaims) [[unlikely]] {
    WithdrawQueued();
    ThrowInterrupted(self_, WakeReason::kReclaim);
  }

  locks_.Lock();
  // An interrupted select may have been won before it could take its entries out: then it goes on.
  const bool won = self_->select_done.load(std::memory_order_acquire);
  const std::size_t chosen = won ? self_->wake_waiter->case_index : kNoCase;
  const std::size_t orphans = WithdrawAll(chosen);
  bool on_closed = false;
  if (won) {
    const bool success = waiters_.data()[chosen].success;
    if (keeps_ && success) {
      KeepLeft(self_, cases_[chosen]);
      self_->last_select = 0;
    } else {
      NoteLeftFor(chosen, true);
    }
    if (IsSend(cases_[chosen])) {
      on_closed = !success;
    } else {
      cases_[chosen].received = success;
    }
  }
  locks_.Unlock();
  for (std::size_t i = 0; i < orphans; ++i) ReleaseOrphan(cases_[indexes_.data()[i]].chan);
  if (!won) ThrowInterrupted(self_, reason);
  self_->wait.kind = WaitKind::kNone;  // also of one that was interrupted when it had won
  return Chosen(self_, cases_, chosen, on_closed);
}

std::size_t Selection::Run() ABSL_NO_THREAD_SAFETY_ANALYSIS {
  locks_.Lock();
  std::size_t chosen = TakeReady();
  const bool took = chosen != kNoCase;
  if (!took) chosen = FindDefault(cases_, count_);
  if (chosen == kNoCase) return Wait();
  NoteLeftFor(chosen, false);
  locks_.Unlock();
  if (!took) self_->world->Fruitless(self_);
  return Chosen(self_, cases_, chosen, send_on_closed_);
}

// With the locks of all.
__attribute__((noinline)) std::size_t SelectLocked(Task* self, SelectCase* cases, std::size_t count,
                                                   std::uint64_t among,
                                                   const std::source_location& site) {
  const bool empty =
      std::all_of(cases, cases + count, [](const SelectCase& c) { return c.op == CaseOp::kNone; });
  if (empty) ParkForever(self, WaitKind::kSelectEmpty, cases, 0, site);
  return Selection(self, cases, count, among, site).Run();
}

// For a select in a destructor of a task that is reclaimed: the case that lets it go on.
std::size_t Harmless(const SelectCase* cases, std::size_t count) {
  for (const CaseOp op : {CaseOp::kDefault, CaseOp::kDone, CaseOp::kRecv}) {
    for (std::size_t i = 0; i < count; ++i) {
      if (cases[i].op == op) return i;
    }
  }
  return 0;
}

}  // namespace

std::size_t DoSelect(SelectCase* cases, std::size_t count, const std::source_location& site) {
  Task* self = CurrentTask();
  if (!SchedulePoint(self, WaitKind::kSelect, nullptr, site, false)) return Harmless(cases, count);
  // Not where every step is explored.
  if (!self->plain || count == 0 || count > kGlanceCases) {
    if (FindDefault(cases, count) == kNoCase && ChoosesItsEnd(self, WaitKind::kSelect, site))
        [[unlikely]]
      ThrowInterrupted(self, WakeReason::kGiveUp);
    return SelectLocked(self, cases, count, 0, site);
  }
  View view;
  if (Glance(cases, count, &view)) {
    if (view.ready != 0) {
      const std::size_t taken = TakeReady(self, view, cases, count);
      if (taken != kNoCase) return taken;
    } else if (view.default_case != kNoCase) {
      return TakeDefault(self, view, cases, count);
    }
  }
  return SelectLocked(self, cases, count, AmongOf(view, cases), site);
}

}  // namespace internal

void Select(std::source_location loc) {
  internal::Task* self = internal::CurrentTask();
  std::ignore = internal::SchedulePoint(self, internal::WaitKind::kSelectEmpty, nullptr, loc);
  internal::ParkForever(self, internal::WaitKind::kSelectEmpty, nullptr, 0, loc);
}

std::size_t Select(SelectSet& set, std::source_location loc) {
  std::vector<internal::SelectCase> cases(set.entries_.size());
  for (std::size_t i = 0; i < cases.size(); ++i) cases[i] = set.entries_[i]->Make();
  const std::size_t taken = internal::DoSelect(cases.data(), cases.size(), loc);
  set.entries_[taken]->Run(cases[taken]);
  return taken;
}

}  // namespace stranded
