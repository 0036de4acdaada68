#include "runtime_hooks/scheduler/controlled_world.h"

#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "runtime_hooks/recorder/events.h"
#include "runtime_hooks/scheduler/fiber_switch.h"
#include "runtime_hooks/scheduler/park.h"
#include "runtime_hooks/scheduler/reclaim.h"
#include "runtime_hooks/scheduler/relief.h"
#include "runtime_hooks/scheduler/stack_pool.h"
#include "runtime_hooks/scheduler/stall_watch.h"
#include "stranded/internal/check_support.h"
#include "stranded/options.h"

namespace stranded::internal {
namespace {

// 2000-01-01, as Go's testing/synctest starts: a fixed moment makes runs repeatable.
constexpr std::int64_t kEpochNs = 946684800LL * 1000000000LL;
// Vain polls in a row, per ready task, before time moves for them.
constexpr std::uint64_t kVainPolls = 16;
// Operations in a row, all of which succeed, before an explored task lets others go first.
constexpr std::uint64_t kLongestTurn = 200;
// After so many steps every so-manyth one goes to the task that has been ready longest.
constexpr std::uint64_t kFairAfter = 500, kFairEvery = 4;
// A program that only ever polls must not hold a leak check for ever.
constexpr std::uint64_t kCheckSteps = 200000, kLeastCheckSteps = 2000;

ScheduleSettings Ordinary() {
  ScheduleSettings settings;
  settings.reclaim = false;
  settings.survive_exceptions = false;
  settings.max_steps = UINT64_MAX;
  return settings;
}

}  // namespace

ControlledWorld::ControlledWorld(std::string name, std::uint64_t seed)
    : ControlledWorld(std::move(name), Ordinary(), NewRandomWalk({}).release(), seed) {
  own_policy_.reset(policy_);
  policy_->Begin(seed);
}

ControlledWorld::ControlledWorld(std::string name, const ScheduleSettings& settings, Policy* policy,
                                 std::uint64_t seed)
    : World(std::move(name)),
      settings_(settings),
      seed_(seed),
      policy_(policy),
      policy_name_(policy->name()),
      patience_(std::chrono::milliseconds(GetOptions().outside_ms)) {
  coarse_ns_.store(kEpochNs, std::memory_order_relaxed);
  RegisterWorld(this);
}

ControlledWorld::~ControlledWorld() { UnregisterWorld(this); }

ControlledWorld* CurrentControlledWorld() { return dynamic_cast<ControlledWorld*>(CurrentWorld()); }

void ControlledWorld::Enter() {
  Task* const main = CurrentTask();
  main_.store(main, std::memory_order_relaxed);
  main_before_ = main->world;
  main_was_main_ = main->is_main;
  main_ordinal_before_ = main->ordinal;
  main_decisions_before_ = main->decisions;
  // Another worker stands in for that of a pool's task, which is no sign of life there.
  main_is_fiber_ = !main->is_thread && main_before_->UsesThreads();
  main_was_in_region_ = main->in_blocking_region.load(std::memory_order_relaxed);
  if (main_is_fiber_) {
    if (!main_was_in_region_) main_before_->EnterBlocking(main);
    main->in_blocking_region.store(false, std::memory_order_relaxed);
  }
  SetWorld(main, this);
  main->is_main = true;
  main->decisions = 0;
  Adopt(main);
  // The history of this world begins here.
  Record(EventKind::kStart, main->id, 0, {});
  owner_thread_ = static_cast<unsigned long>(pthread_self());
  owner_tid_.store(gettid(), std::memory_order_relaxed);
  WatchForStalls();
  tasks_since_ = NextTaskId();
  // An exploration makes thousands of worlds.
  threads_at_start_ = settings_.survive_exceptions ? ForeignThreadsOfLate() : ForeignThreads();
  controlled_worlds.fetch_add(1, std::memory_order_relaxed);
}

void ControlledWorld::Leave() {
  controlled_worlds.fetch_sub(1, std::memory_order_relaxed);
  left_.store(true, std::memory_order_release);
  owner_tid_.store(0, std::memory_order_relaxed);
  Task* const main = main_task();
  main->is_main = main_was_main_;
  main->unwinding = Unwinding::kNone;
  SetWorld(main, main_before_);
  main->ordinal = main_ordinal_before_;
  main->decisions = main_decisions_before_;
  if (main_is_fiber_) {
    if (!main_was_in_region_) main_before_->LeaveBlocking(main);
    main->in_blocking_region.store(main_was_in_region_, std::memory_order_relaxed);
  }
  // What stands in the queue stays ready, and never runs: parked, its old wait would be read.
  ready_.clear();
  DropTimers();
  policy_ = nullptr;
  main_.store(nullptr, std::memory_order_relaxed);
}

void ControlledWorld::Adopt(Task* task) {
  task->ordinal = next_ordinal_.fetch_add(1, std::memory_order_acq_rel);
}

void ControlledWorld::Ready(Task* task) {
  if (static_cast<unsigned long>(pthread_self()) == owner_thread_) {
    task->queue_seq = next_queue_seq_++;
    ready_.push_back(task);
    return;
  }
  std::lock_guard lock(inbox_mutex_);
  inbox_.push_back(task);
  inbox_used_.store(true, std::memory_order_release);  // pairs with the acquire in DrainInbox
  inbox_wake_.notify_one();
}

void ControlledWorld::DrainInbox() {
  if (!inbox_used_.load(std::memory_order_acquire)) return;
  std::lock_guard lock(inbox_mutex_);
  for (Task* task : inbox_) {
    task->queue_seq = next_queue_seq_++;
    ready_.push_back(task);
  }
  inbox_.clear();
  inbox_used_.store(false, std::memory_order_relaxed);
}

Task* ControlledWorld::TakeReady(std::size_t i) {
  Task* task = ready_[i];
  ready_[i] = ready_.back();
  ready_.pop_back();
  return task;
}

// A run that goes on and on may do so only because its policy starves the task that would end it.
bool ControlledWorld::FairTurn() const {
  const std::uint64_t steps = steps_.load(std::memory_order_relaxed);
  return steps >= kFairAfter && steps % kFairEvery == 0;
}

// Asks the policy, and notes where it differs from the default schedule.
std::size_t ControlledWorld::Decide(const Moment& moment) {
  const TaskChoice choice{ready_, moment.self, moment.can_stay, moment.yields, MayPassTime()};
  const bool only_one = ready_.size() == 1 && !choice.may_pass_time;
  std::size_t picked = only_one ? 0 : policy_->PickTask(choice);
  if (settings_.survive_exceptions && FairTurn()) picked = OldestOf(choice);
  const std::uint32_t step = moment.self->decisions++;
  if (only_one) return 0;
  if (!settings_.survive_exceptions) return picked;  // nobody explores
  if (picked == kPassTime) {
    deviations_.push_back({moment.self->ordinal, step, Deviation::kTimer, 0});
    return picked;
  }
  if (moment.can_stay && !moment.yields && ready_[picked] != moment.self) {
    ++record_.preemptions;
    preempted_ = true;
  }
  if (picked != DefaultTask(choice)) {
    deviations_.push_back({moment.self->ordinal, step, Deviation::kTask, ready_[picked]->ordinal});
  }
  return picked;
}

// The leak check is over: nothing can run, or what runs does not come to an end.
Task* ControlledWorld::EndCheck() {
  quiet_ = ready_.empty() && regions_waiting_.empty() && NothingAhead();
  checking_ = false;
  const std::vector<Task*> checkers = std::exchange(checkers_, {});
  for (Task* checker : checkers) Wake(checker);
  // A checker goes first: it must see the world as it is now.
  return TakeReady(ready_.size() - 1);
}

Task* ControlledWorld::PickNext(Moment moment) {
  for (;;) {
    DrainInbox();
    if (EndIsDue()) [[unlikely]] {
      if (Task* ended = TakeAtItsEnd()) return ended;
    }
    // With nothing ready it is looked outside first.
    if (checking_ && check_steps_left_ == 0 && !ready_.empty()) return EndCheck();
    if (steps_.load(std::memory_order_relaxed) >= settings_.max_steps && !checking_) {
      if (Task* main = CutOff()) return main;
    }
    if (!ready_.empty()) {
      if (TakeTime() || (RegionIsDue() && EnterRegion())) continue;
      const std::size_t picked = Decide(moment);
      if (picked == kPassTime) {
        record_.delay_ns += std::max<std::int64_t>(0, NextDue() - NowNs());
        FireNextTimer(INT64_MAX);
        continue;
      }
      steps_.store(steps_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
      if (checking_) --check_steps_left_;
      Task* const next = TakeReady(picked);
      if (!next->daemon) daemons_alone_until_.reset();
      return next;
    }
    const bool enough = DaemonsLoopAlone();
    if (!enough && EnterRegion()) continue;
    if (TimeHelps() && TimePasses()) continue;
    if (enough && !checking_ && EnterRegion()) continue;
    if (WaitForOutside() || EndIsDue()) continue;
    // In a check, also when what is left only goes on by timers that are too far away.
    if (!reclaiming_ && (checking_ || NothingAhead()) && Relieve(this)) continue;
    if (checking_) return EndCheck();
    DeadEnd();
  }
}

// Tasks that go on until the clock or a timeout tells them to end would never see that: time only
// moves when nothing can run. So after many steps they take time, about as much as on a real
// machine: a long timeout must not fire in the middle of long work. True if a timer fired.
bool ControlledWorld::TakeTime() {
  constexpr std::uint64_t kFree = 20000;
  constexpr std::int64_t kStepNs = 100;
  if (checking_ || reclaiming_) return false;
  if (steps_.load(std::memory_order_relaxed) - steps_at_timer_ < kFree) return false;
  coarse_ns_.store(NowNs() + kStepNs, std::memory_order_relaxed);
  return FireNextTimer(NowNs());
}

void ControlledWorld::DeadEnd() {
  deadlock_ = true;
  quiet_ = true;
  record_.deadlock = true;
  Interrupt(main_task(), WakeReason::kDeadlock);
}

// The run is too long, perhaps endless: main stops where it is.
Task* ControlledWorld::CutOff() {
  if (!record_.cut) Interrupt(main_task(), WakeReason::kGiveUp);
  record_.cut = true;
  const auto main = std::find(ready_.begin(), ready_.end(), main_task());
  return main == ready_.end() ? nullptr
                              : TakeReady(static_cast<std::size_t>(main - ready_.begin()));
}

void ControlledWorld::RunNext(Moment moment, void (*after)(void*), void* arg) {
  Task* const self = moment.self;
  Task* next = PickNext(moment);
  if (next != self) turn_ = 0;
  if (next == self) {
    if (after != nullptr) after(arg);
    return;
  }
  SwitchTo(self, next, false, after, arg);
}

void ControlledWorld::NoteStep(const Task* task, WaitKind kind, const std::source_location& site,
                               ScheduleStep::What what) {
  if (!settings_.keep_steps || reclaiming_) return;
  ScheduleStep step;
  step.task = task->id;
  step.number = task->ordinal;
  step.task_name = task->name();
  step.kind = kind;
  step.site = site;
  step.what = what;
  step.preempts = std::exchange(preempted_, false);
  record_.history.push_back(std::move(step));
}

WakeReason ControlledWorld::Park(Task* self, void (*after)(void*), void* arg) {
  // One thread runs this world, so nobody can resume `self` before the switch below is complete;
  // a foreign Wake only fills the inbox. The lock can therefore be released at once.
  // Not to enter a region: else others would poll for ever while more and more of them come.
  if (self->wait.kind != WaitKind::kBlockingRegion) fruitless_ = 0;
  skipped_ = 0;
  point_yields_ = false;
  if (self->wait.kind != WaitKind::kLeakCheck) {
    NoteStep(self, self->wait.kind, self->wait.site, ScheduleStep::kBlocks);
  }
  // A snapshot of another thread may hold it still from here on, but its stack is in use until the
  // switch, which says where it can be read.
  std::atomic_ref<void*>(self->sp).store(nullptr, std::memory_order_relaxed);
  self->state.store(Task::kParked, std::memory_order_release);
  if (after != nullptr) after(arg);
  const bool awaits_end = AwaitsItsEnd(self);
  if (awaits_end) awaiting_end_.push_back(self);
  RunNext({self}, nullptr, nullptr);
  if (awaits_end) std::erase(awaiting_end_, self);
  const std::uint32_t state = self->state.load(std::memory_order_acquire);
  self->state.store(Task::kRunning, std::memory_order_relaxed);
  return static_cast<WakeReason>(state >> Task::kReasonShift);
}

void ControlledWorld::Point(Task* self, WaitKind kind, const void* object,
                            const std::source_location& site) {
  bool yields = std::exchange(point_yields_, false);
  skipped_ = 0;
  // A loop of operations that all succeed can be a wait, too: others must get their turn.
  if (settings_.survive_exceptions && ++turn_ >= kLongestTurn) yields = true;
  const bool too_long = steps_.load(std::memory_order_relaxed) >= settings_.max_steps;
  if (self == main_task() && (record_.cut || too_long) && !checking_) {
    record_.cut = true;
    SetUnwinding(self, Unwinding::kGivesUp);
    return;
  }
  const bool alone = ready_.empty() && regions_waiting_.empty() &&
                     !inbox_used_.load(std::memory_order_relaxed) && !EndIsDue();
  if (!alone || MayPassTime() || (checking_ && self != main_task())) {
    self->state.store(Task::kRunnable, std::memory_order_relaxed);
    self->queue_seq = next_queue_seq_++;
    ready_.push_back(self);
    RunNext({self, true, yields}, nullptr, nullptr);
    self->state.store(Task::kRunning, std::memory_order_relaxed);
  } else {
    ++self->decisions;
    steps_.store(steps_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    TakeTime();
  }
  NoteStep(self, kind, site, ScheduleStep::kOperation);
  policy_->Operation(self, kind, object);
}

// A loop of nothing else may be a wait, too.
bool ControlledWorld::MaySkip() {
  constexpr std::uint64_t kMostInARow = 1000;
  if (++skipped_ > kMostInARow || EndIsDue()) return false;
  steps_.store(steps_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  TakeTime();
  return true;
}

void ControlledWorld::Look(Task* self, const void* object) {
  if (!MaySkip()) return Point(self, WaitKind::kNone, object, {});
  policy_->Operation(self, WaitKind::kNone, object);
}

bool ControlledWorld::SkipPoint(Task* self, WaitKind kind, const void* object,
                                const std::source_location& site) {
  if (!MaySkip()) return false;
  NoteStep(self, kind, site, ScheduleStep::kOperation);
  policy_->Operation(self, kind, object);
  return true;
}

void ControlledWorld::Yield(Task* self) {
  Fruitless(self);
  point_yields_ = true;
  Point(self, WaitKind::kNone, nullptr, {});
}

void ControlledWorld::Fruitless(Task*) {
  point_yields_ = true;
  if (++fruitless_ < kVainPolls * (ready_.size() + 1)) return;
  fruitless_ = 0;
  if (!EnterRegion()) TimePasses();
}

std::size_t ControlledWorld::Choose(std::size_t n) {
  if (n <= 1) return 0;
  Task* const self = CurrentTask();
  const std::size_t picked = policy_->PickNumber(self, n);
  const std::uint32_t step = self->decisions++;
  if (picked != 0 && settings_.survive_exceptions) {
    deviations_.push_back(
        {self->ordinal, step, Deviation::kNumber, static_cast<std::uint32_t>(picked)});
  }
  return picked;
}

void ControlledWorld::FinishFiber(Task* self) {
  ++finished_;
  fruitless_ = 0;
  point_yields_ = false;
  NoteStep(self, WaitKind::kNone, self->origin.site, ScheduleStep::kEnds);
  Task* next = PickNext({self});
  SwitchForGood(self, next, [](void* p) { EndFiber(static_cast<Task*>(p)); });
}

bool ControlledWorld::RunUntilQuiet(std::int64_t grace_ns) {
  Task* self = CurrentTask();
  quiet_ = false;
  check_until_ns_ = std::max(checking_ ? check_until_ns_ : 0, NowNs() + grace_ns);
  checking_ = true;
  checkers_.push_back(self);
  // A program that has come this far in some steps does not need a hundred times as many to end.
  check_steps_left_ =
      std::clamp(100 * steps_.load(std::memory_order_relaxed), kLeastCheckSteps, kCheckSteps);
  if (!settings_.survive_exceptions) check_steps_left_ = kCheckSteps;
  self->wait = WaitRecord{};
  self->wait.kind = WaitKind::kLeakCheck;
  Park(self, nullptr, nullptr);
  self->wait.kind = WaitKind::kNone;
  return quiet_;
}

bool ControlledWorld::Survives(Task* self, const std::exception_ptr& error) {
  if (!settings_.survive_exceptions) return false;
  record_.exceptions.push_back(DescribeException(self, error));
  return true;
}

WorldFacts ControlledWorld::Facts() {
  WorldFacts facts;
  facts.controlled = true;
  facts.name = name();
  facts.policy = policy_name_;
  facts.seed = seed_;
  facts.steps = steps_;
  facts.quiet = quiet_;
  facts.deadlock = deadlock_;
  if (facts.quiet || facts.deadlock) {
    facts.external = static_cast<std::uint32_t>(outside_threads_.load(std::memory_order_relaxed));
  }
  // From another thread only what it may look at; then the world counts as moving.
  const bool own = static_cast<unsigned long>(pthread_self()) == owner_thread_;
  facts.runnable = own ? static_cast<std::uint32_t>(ready_.size()) : 1;
  {
    std::lock_guard lock(timer_mutex_);
    facts.timers = NothingAheadLocked() ? 0 : static_cast<std::uint32_t>(timers_.size());
  }
  facts.quiet &= own;
  if (Stopped()) {  // nothing moves there any more
    facts.quiet = true;
    facts.runnable = 0;
  }
  facts.running = facts.quiet ? 0 : 1;
  const Task* main = main_.load(std::memory_order_relaxed);
  facts.main_task = main == nullptr ? 0 : main->id;
  facts.workers = 1;
  return facts;
}

}  // namespace stranded::internal
