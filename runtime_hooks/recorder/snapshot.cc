#include "runtime_hooks/recorder/snapshot.h"

#include <time.h>

#include <cstring>

#include "runtime_hooks/recorder/modules.h"
#include "runtime_hooks/scheduler/stack_pool.h"

namespace stranded::internal {
namespace {

std::int64_t WallNs() {
  timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return now.tv_sec * std::int64_t{1000000000} + now.tv_nsec;
}

struct TimerRoom {
  PacketWriter* out;
  std::uint64_t world;
};

void WriteTimer(const TimerEntry& timer, void* arg) {
  const auto& room = *static_cast<TimerRoom*>(arg);
  const std::uint32_t site = room.out->Site(timer.site);
  room.out->Write<dump::TimerTag>(dump::PacketTag::kTimer, [&](auto& t) {
    t.add_enum(dump::TimerTag::kKind, static_cast<std::int32_t>(timer.kind));
    t.add_int64(dump::TimerTag::kDueNs, timer.due_ns);
    t.add_int64(dump::TimerTag::kPeriodNs, timer.period_ns);
    t.add_uint64(dump::TimerTag::kObject, timer.object_id);
    t.add_uint32(dump::TimerTag::kSite, site);
    t.add_uint64(dump::TimerTag::kWorld, room.world);
  });
}

}  // namespace

void Snapshot::Run() {
  packets_before_ = out_.packets();
  if (options_.pools) pools_ = PoolIds();
  WriteBegin();
  if (!options_.crash) WriteWorlds();
  WriteTasks();
  WriteChannels();
  WriteContexts();
  if (!options_.crash && options_.events) WriteEvents();
  if (!options_.crash) WriteFinishedTasks();
  WriteEnd();
}

void Snapshot::WriteBegin() {
  std::int64_t now = WallNs();
  const std::int64_t wall = now;
  std::uint64_t taker = 0;
  if (Task* self = CurrentTaskOrNull(); self != nullptr && !options_.crash) {
    now = self->world->NowNs();
    taker = self->id;
  }
  out_.Write<dump::SnapshotBeginTag>(dump::PacketTag::kSnapshot, [&](auto& s) {
    s.add_string(dump::SnapshotBeginTag::kReason, options_.reason);
    s.add_int64(dump::SnapshotBeginTag::kTakenNs, now);
    s.add_int64(dump::SnapshotBeginTag::kWallNs, wall);
    s.add_string(dump::SnapshotBeginTag::kLabel, options_.label);
    if (taker != 0) s.add_uint64(dump::SnapshotBeginTag::kTask, taker);
    if (options_.focus != 0) {
      s.add_uint64(dump::SnapshotBeginTag::kFocus, options_.focus);
      s.add_uint64(dump::SnapshotBeginTag::kFocusSinceTask, options_.focus_since_task);
      s.add_int64(dump::SnapshotBeginTag::kFocusSinceNs, options_.focus_since_ns);
    }
  });
}

void Snapshot::WriteTimers(World* world) {
  TimerRoom room{&out_, world->id()};
  world->ForEachTimer(&WriteTimer, &room);
}

// Pools are read one after the other, and what moves may go from one that is still to be read to
// one that has been. So all of them are looked at twice: of two that played ball one has moved.
void Snapshot::WriteWorlds() {
  std::map<std::uint64_t, std::uint64_t> moves;
  ForEachWorld(
      [](World* world, void* arg) {
        if (!world->UsesThreads()) return;
        auto& seen = *static_cast<std::map<std::uint64_t, std::uint64_t>*>(arg);
        const WorldFacts facts = world->Facts();
        if (facts.quiet) seen[world->id()] = facts.moves;
      },
      &moves);
  moves_ = &moves;
  ForEachWorld(
      [](World* world, void* arg) {
        auto& self = *static_cast<Snapshot*>(arg);
        if (!self.Wanted(world->id())) return;
        WorldFacts facts = world->Facts();
        if (world->UsesThreads()) {
          const auto before = self.moves_->find(world->id());
          facts.quiet =
              facts.quiet && before != self.moves_->end() && before->second == facts.moves;
        }
        self.out_.Write<dump::WorldTag>(dump::PacketTag::kWorld, [&](auto& w) {
          w.add_uint64(dump::WorldTag::kId, world->id());
          w.add_enum(dump::WorldTag::kKind, facts.controlled ? 1 : 0);
          w.add_uint64(dump::WorldTag::kSeed, facts.seed);
          w.add_string(dump::WorldTag::kPolicy, facts.policy);
          w.add_uint64(dump::WorldTag::kSteps, facts.steps);
          w.add_bool(dump::WorldTag::kQuiet, facts.quiet);
          w.add_uint32(dump::WorldTag::kRunnable, facts.runnable);
          w.add_uint32(dump::WorldTag::kRunning, facts.running);
          w.add_uint32(dump::WorldTag::kTimers, facts.timers);
          w.add_uint32(dump::WorldTag::kExternal, facts.external);
          w.add_uint64(dump::WorldTag::kMainTask, facts.main_task);
          w.add_bool(dump::WorldTag::kDeadlock, facts.deadlock);
          w.add_uint32(dump::WorldTag::kWorkers, facts.workers);
          w.add_string(dump::WorldTag::kName, facts.name);
          w.add_int64(dump::WorldTag::kNowNs, world->NowNs());
        });
        self.WriteTimers(world);
      },
      this);
  moves_ = nullptr;
}

void Snapshot::WriteEnd() {
  const std::uint64_t unguarded = UnguardedStacks();
  if (events_lost_ + tasks_unread_ + stacks_missing_ + unguarded + locked_ + out_.too_large() > 0) {
    out_.Write<dump::LossTag>(dump::PacketTag::kLoss, [&](auto& l) {
      l.add_uint64(dump::LossTag::kEventsLost, events_lost_);
      l.add_uint64(dump::LossTag::kTasksUnread, tasks_unread_);
      l.add_uint64(dump::LossTag::kStacksMissing, stacks_missing_);
      l.add_uint64(dump::LossTag::kStringsCut, out_.too_large());
      l.add_uint64(dump::LossTag::kUnguardedStacks, unguarded);
      if (locked_ > 0) l.add_string(dump::LossTag::kNote, "objects locked at the crash left out");
    });
  }
  const std::uint64_t packets = out_.packets() - packets_before_;
  out_.Write<dump::EndTag>(dump::PacketTag::kEnd,
                           [&](auto& e) { e.add_uint64(dump::EndTag::kPackets, packets); });
}

}  // namespace stranded::internal
