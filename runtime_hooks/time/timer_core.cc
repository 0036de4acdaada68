#include "runtime_hooks/time/timer_core.h"

#include "absl/cleanup/cleanup.h"
#include "runtime_hooks/channel/chan_steps.h"
#include "runtime_hooks/registry/scope.h"
#include "runtime_hooks/scheduler/pool_world.h"
#include "stranded/internal/context_ref.h"

namespace stranded::internal {
namespace {

void ShowArmed(ChanCore* chan, bool armed, bool stopped = false) {
  if (chan == nullptr) return;
  SpinGuard guard(chan->lock);
  chan->timer_armed = armed;
  chan->timer_stopped = stopped;
}

// True if a tick lay there.
bool DropTick(ChanCore* chan) {
  if (chan == nullptr) return false;
  SpinGuard guard(chan->lock);
  if (chan->length == 0) return false;
  chan->ops->destroy(chan->At(0));
  chan->head = (chan->head + 1) % chan->capacity;
  --chan->length;
  chan->Touch();
  return true;
}

// True if somebody waited for it.
bool SendTick(ChanCore* chan, std::int64_t now_ns, const std::source_location& site) {
  absl::Time tick = absl::FromUnixNanos(now_ns);
  SpinGuard guard(chan->lock);
  const bool waited_for = !chan->receivers.empty();
  SendNow(chan, nullptr, &tick, site);  // full: nobody took the last one, this one is dropped
  return waited_for;
}

}  // namespace

TimerCore::~TimerCore() {
  if (spec.parent != nullptr) UnrefSpawnNode(spec.parent);
  if (spec.scope != nullptr) UnrefScope(spec.scope);
}

void TimerCore::UseWorld(World* in) {
  world = in;
  world_id.store(in->id(), std::memory_order_relaxed);
}

// Once: whoever fires an earlier arming reads these without a lock while it is armed again.
void TimerCore::DescribeEntry() {
  entry.kind = channel.IsNil() ? TimerKind::kFunc : TimerKind::kChannel;
  entry.owner = this;
  entry.object_id = channel.IsNil() ? 0 : channel.core()->id;
  entry.site = site;
  entry.fire = &TimerCore::Fire;
  entry.drop = &TimerCore::Drop;
  entry.noticed = channel.IsNil() ? nullptr : &TimerCore::Noticed;
}

void TimerCore::ArmLocked(std::int64_t due_ns, bool vain) {
  if (pending_fires == 0 && world->Stopped()) UseWorld(DefaultPool());
  entry.due_ns = due_ns;
  entry.period_ns = period_ns;
  entry.vain = vain;
  active = true;
  if (pending_fires++ == 0) self = shared_from_this();
  ShowArmed(channel.core(), true);
  world->AddTimer(&entry);
}

void TimerCore::DropArming() {
  if (--pending_fires == 0) self = nullptr;
}

void TimerCore::Arm(std::int64_t delay_ns) {
  SpinGuard guard(lock);
  ArmLocked(LaterBy(world->NowNs(), delay_ns > 0 ? delay_ns : 0));
}

bool TimerCore::Disarm() {
  std::shared_ptr<TimerCore> keep;  // outlives the guard: `self` may be the last owner
  SpinGuard guard(lock);
  keep = self;
  return DisarmLocked();
}

bool TimerCore::Rearm(std::int64_t delay_ns, std::int64_t period) {
  // It may be gone meanwhile, or go while this is on its way there.
  World* const pinned = PinWorld(world_id.load(std::memory_order_relaxed));
  const absl::Cleanup unpin = [pinned] { pinned->Unpin(); };
  std::shared_ptr<TimerCore> keep;
  SpinGuard guard(lock);
  keep = self;
  const bool was_active = DisarmLocked();
  period_ns = period;
  if (pending_fires == 0) UseWorld(pinned);
  ArmLocked(LaterBy(world->NowNs(), delay_ns > 0 ? delay_ns : 0));
  return was_active;
}

bool TimerCore::DisarmLocked() {
  const bool was_active = std::exchange(active, false);
  if (was_active && world->RemoveTimer(&entry)) DropArming();
  ShowArmed(channel.core(), false, true);
  return DropTick(channel.core()) || was_active;
}

void TimerCore::Fire(TimerEntry* fired) {
  auto* core = static_cast<TimerCore*>(fired->owner);
  std::shared_ptr<TimerCore> keep;
  World* world = nullptr;
  bool start = false;
  {
    SpinGuard guard(core->lock);
    keep = core->self;  // set: this arming is not given back yet
    world = core->world;
    const std::int64_t now = world->NowNs();
    // Armed again since this firing was on its way: then the later arming is the one that counts,
    // and its entry may stand in the world's heap already.
    if (core->active && core->pending_fires == 1) {
      core->active = false;
      start = core->channel.IsNil();
      if (!start) core->Tick(now);
    }
    core->DropArming();
  }
  if (!start) return;
  SpawnSpec spec = keep->spec;
  spec.world = world;
  spec.context = &keep->run_in;
  Spawn(spec, keep->function);
}

void TimerCore::Drop(TimerEntry* dropped) {
  auto* core = static_cast<TimerCore*>(dropped->owner);
  std::shared_ptr<TimerCore> keep;
  SpinGuard guard(core->lock);
  keep = core->self;
  core->active = false;
  // Its world is about to go; somebody may still reset it.
  core->UseWorld(DefaultPool());
  ShowArmed(core->channel.core(), false);
  core->DropArming();
}

// Whoever runs may come to wait for it later. Where nobody does, a tick that lies in the channel,
// or is dropped, changes nothing.
bool TimerCore::Noticed(const TimerEntry& entry) {
  ChanCore* chan = static_cast<const TimerCore*>(entry.owner)->channel.core();
  SpinGuard guard(chan->lock);
  return !chan->receivers.empty();
}

void TimerCore::Tick(std::int64_t now_ns) {
  ChanCore* chan = channel.core();
  const bool vain = !SendTick(chan, now_ns, site);
  // A ticker goes on as long as anybody but `self` and Fire() holds it, or its channel.
  const bool wanted = weak_from_this().use_count() > 2 || Slab<ChanCore>::RefCount(chan) > 1;
  if (period_ns > 0 && wanted) {
    const std::int64_t missed = (now_ns - entry.due_ns) / period_ns;
    ArmLocked(LaterBy(entry.due_ns + missed * period_ns, period_ns), vain);
  } else {
    ShowArmed(chan, false);
  }
}

std::shared_ptr<TimerCore> NewTickTimer(const std::source_location& site) {
  auto core = std::make_shared<TimerCore>();
  core->UseWorld(CurrentWorld());
  core->site = site;
  ChanCore* chan = NewChanFor(ChanRole::kTimerTick, 0, OpsFor<absl::Time>(), 1, site);
  core->channel = Receiver<absl::Time>(ChanRef(chan));
  core->DescribeEntry();
  return core;
}

std::shared_ptr<TimerCore> NewFuncTimer(std::function<void()> f, const std::source_location& site) {
  Task* self = CurrentTask();
  auto core = std::make_shared<TimerCore>();
  core->UseWorld(self->world);
  core->site = site;
  core->function = std::move(f);
  core->run_in = WithoutCancel(this_task::GetContext(), site);
  core->spec.detached = true;
  core->spec.parent = OwnNode(self->origin, self->id);
  RefSpawnNode(core->spec.parent);
  core->spec.scope = self->spawn_scope;
  if (self->spawn_scope != nullptr) RefScope(self->spawn_scope);
  core->spec.site = site;
  core->DescribeEntry();
  return core;
}

}  // namespace stranded::internal
