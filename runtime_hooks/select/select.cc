// Select after Go's selectgo: lock all channels in address order, take a ready case or wait on all.
#include "stranded/select.h"

#include <algorithm>
#include <tuple>

#include "absl/container/inlined_vector.h"
#include "runtime_hooks/channel/chan_core.h"
#include "runtime_hooks/recorder/events.h"

namespace stranded {
namespace internal {
namespace {

constexpr std::size_t kInline = 8;

bool IsSend(const SelectCase& c) { return c.op == CaseOp::kSend; }

// The channels of a select, each once, locked in address order so that no two selects can hold
// what the other one wants.
class LockSet {
 public:
  LockSet(const SelectCase* cases, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      if (cases[i].chan != nullptr) chans_.push_back(cases[i].chan);
    }
    std::sort(chans_.begin(), chans_.end());
    chans_.erase(std::unique(chans_.begin(), chans_.end()), chans_.end());
  }
  void Lock() ABSL_NO_THREAD_SAFETY_ANALYSIS {
    for (ChanCore* c : chans_) c->lock.Lock();
  }
  void Unlock() ABSL_NO_THREAD_SAFETY_ANALYSIS {
    for (std::size_t i = chans_.size(); i-- > 0;) chans_[i]->lock.Unlock();
  }

 private:
  absl::InlinedVector<ChanCore*, kInline> chans_;
};

class Selection {
 public:
  Selection(Task* self, SelectCase* cases, std::size_t count, const std::source_location& site)
      : self_(self), cases_(cases), count_(count), site_(site), locks_(cases, count) {
    // Before the locks are taken: nothing allocates under them.
    ready_.reserve(count);
    waiters_.reserve(count);
  }

  std::size_t Run();

 private:
  bool LooksReady(const SelectCase& c) const;
  bool Take(SelectCase& c);
  std::size_t TakeReady();
  std::size_t FindDefault() const;
  void NoteOthersLeft(std::size_t chosen);
  std::size_t Wait();
  std::size_t Finish(std::size_t chosen, bool on_closed) const;

  static constexpr std::size_t kNone = static_cast<std::size_t>(-1);
  Task* const self_;
  SelectCase* const cases_;
  const std::size_t count_;
  const std::source_location site_;
  LockSet locks_;
  absl::InlinedVector<std::uint32_t, kInline> ready_;
  absl::InlinedVector<Waiter, kInline> waiters_;
  bool send_on_closed_ = false;
};

bool Selection::LooksReady(const SelectCase& c) const {
  if (c.chan == nullptr) return false;
  const ChanCore& chan = *c.chan;
  if (IsSend(c)) return chan.closed || !chan.receivers.empty() || chan.length < chan.capacity;
  return chan.closed || chan.length > 0 || !chan.senders.empty();
}

bool Selection::Take(SelectCase& c) {
  if (!IsSend(c)) return RecvNow(c.chan, self_, c.slot, &c.received, c.site);
  if (c.chan->closed) {
    send_on_closed_ = true;
    return true;
  }
  return SendNow(c.chan, self_, c.slot, c.site);
}

// Uniform among the ready cases. A case can look ready because of a waiter that was won elsewhere;
// trying it takes that waiter out, so the loop ends.
std::size_t Selection::TakeReady() {
  for (std::size_t i = 0; i < count_; ++i) {
    if (LooksReady(cases_[i])) ready_.push_back(static_cast<std::uint32_t>(i));
  }
  while (!ready_.empty()) {
    const std::size_t pick = ready_.size() == 1 ? 0 : self_->world->Choose(ready_.size());
    const std::size_t i = ready_[pick];
    if (Take(cases_[i])) return i;
    ready_.erase(ready_.begin() + static_cast<std::ptrdiff_t>(pick));
  }
  return kNone;
}

std::size_t Selection::FindDefault() const {
  for (std::size_t i = 0; i < count_; ++i) {
    if (cases_[i].op == CaseOp::kDefault) return i;
  }
  return kNone;
}

void Selection::NoteOthersLeft(std::size_t chosen) {
  for (std::size_t i = 0; i < count_; ++i) {
    const SelectCase& c = cases_[i];
    if (i == chosen || c.chan == nullptr || c.chan == cases_[chosen].chan) continue;
    if (cases_[chosen].op == CaseOp::kDefault) c.chan->observed_try = true;
    NoteLeft(c.chan, self_, IsSend(c), c.site, cases_[chosen]);
  }
}

std::size_t Selection::Finish(std::size_t chosen, bool on_closed) const {
  Record(EventKind::kSelect, self_->id, 0, cases_[chosen].site, chosen);
  if (on_closed) ThrowSendOnClosed(cases_[chosen].chan, cases_[chosen].site);
  return chosen;
}

std::size_t Selection::Wait() ABSL_NO_THREAD_SAFETY_ANALYSIS {
  waiters_.resize(count_);
  self_->select_done.store(false, std::memory_order_relaxed);
  self_->wake_waiter = nullptr;
  for (std::size_t i = 0; i < count_; ++i) {
    if (cases_[i].chan == nullptr) continue;
    Waiter& w = waiters_[i];
    w.task = self_;
    w.slot = cases_[i].slot;
    w.case_index = static_cast<std::uint32_t>(i);
    w.is_select = true;
    w.site = cases_[i].site;
    Offer(cases_[i].chan, &w, IsSend(cases_[i]));
  }
  BeginWait(self_, WaitKind::kSelect, site_, WaitNowNs(self_));
  self_->wait.cases = cases_;
  self_->wait.case_count = static_cast<std::uint32_t>(count_);
  const WakeReason reason = Park(
      self_, [](void* p) { static_cast<LockSet*>(p)->Unlock(); }, &locks_);

  locks_.Lock();
  // An interrupted select may have been won before it could take its entries out: then it goes on.
  const bool won = self_->select_done.load(std::memory_order_acquire);
  const std::size_t chosen = won ? self_->wake_waiter->case_index : kNone;
  for (std::size_t i = 0; i < count_; ++i) {
    if (cases_[i].chan == nullptr || i == chosen) continue;
    Withdraw(cases_[i].chan, &waiters_[i], IsSend(cases_[i]));
  }
  bool on_closed = false;
  if (won) {
    NoteOthersLeft(chosen);
    const bool success = waiters_[chosen].success;
    if (IsSend(cases_[chosen])) {
      on_closed = !success;
    } else {
      cases_[chosen].received = success;
    }
  }
  locks_.Unlock();
  if (!won) ThrowInterrupted(self_, reason);
  return Finish(chosen, on_closed);
}

std::size_t Selection::Run() ABSL_NO_THREAD_SAFETY_ANALYSIS {
  locks_.Lock();
  std::size_t chosen = TakeReady();
  const bool took = chosen != kNone;
  if (!took) chosen = FindDefault();
  if (chosen == kNone) return Wait();
  NoteOthersLeft(chosen);
  locks_.Unlock();
  if (!took) self_->world->Fruitless(self_);
  return Finish(chosen, send_on_closed_);
}

}  // namespace

namespace {

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
  if (!SchedulePoint(self, WaitKind::kSelect, nullptr, site)) return Harmless(cases, count);
  const bool empty =
      std::all_of(cases, cases + count, [](const SelectCase& c) { return c.op == CaseOp::kNone; });
  if (empty) ParkForever(self, WaitKind::kSelectEmpty, cases, 0, site);
  return Selection(self, cases, count, site).Run();
}

}  // namespace internal

void Select(std::source_location loc) {
  internal::Task* self = internal::CurrentTask();
  std::ignore = internal::SchedulePoint(self, internal::WaitKind::kSelectEmpty, nullptr, loc);
  internal::ParkForever(self, internal::WaitKind::kSelectEmpty, nullptr, 0, loc);
}

std::size_t Select(SelectSet& set, std::source_location loc) {
  std::vector<internal::SelectCase> cases(set.entries_.size());
  for (std::size_t i = 0; i < cases.size(); ++i) set.entries_[i]->Fill(cases[i]);
  const std::size_t taken = internal::DoSelect(cases.data(), cases.size(), loc);
  set.entries_[taken]->Run(cases[taken]);
  return taken;
}

}  // namespace stranded
