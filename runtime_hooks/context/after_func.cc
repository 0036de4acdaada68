// AfterFunc: a function that stands in a context's child list and becomes a task when it ends.
#include <atomic>
#include <tuple>

#include "absl/cleanup/cleanup.h"
#include "runtime_hooks/context/context_tree.h"
#include "runtime_hooks/registry/scope.h"
#include "stranded/context.h"
#include "stranded/internal/context_ref.h"
#include "stranded/task.h"

namespace stranded {
namespace internal {

// Ownership: StopFunc copies share it; while it is linked it also owns itself (`self`), so that the
// list may hold a plain pointer. Whoever takes it out of the list drops that.
struct AfterFuncEntry : ContextChild {
  std::shared_ptr<AfterFuncEntry> self;
  ContextNode* context = nullptr;  // one reference, as long as the entry lives
  std::function<void()> function;
  SpawnSpec spec;
  std::uint64_t world_id = 0;
  Context run_in;
  std::atomic<bool> stopped{false};  // relaxed; of a context that never ends

  ~AfterFuncEntry() {
    UnrefContext(context);
    if (spec.parent != nullptr) UnrefSpawnNode(spec.parent);
    if (spec.scope != nullptr) UnrefScope(spec.scope);
  }
};

void StartAfterFunc(ContextChild* child) {
  const std::shared_ptr<AfterFuncEntry> entry =
      std::move(static_cast<AfterFuncEntry*>(child)->self);
  SpawnSpec spec = entry->spec;
  spec.context = &entry->run_in;
  World* const world = PinWorld(entry->world_id);
  const absl::Cleanup unpin = [world] { world->Unpin(); };
  spec.world = world;
  Spawn(spec, std::move(entry->function));
}

}  // namespace internal

bool StopFunc::operator()() const {
  if (entry_ == nullptr) return false;
  internal::ContextNode* above = entry_->context->canceller;
  if (above == nullptr) return !entry_->stopped.exchange(true, std::memory_order_relaxed);
  if (!internal::UnlinkChild(above, entry_.get())) return false;
  entry_->self = nullptr;
  return true;
}

StopFunc AfterFunc(const Context& ctx, std::function<void()> f, std::source_location loc) {
  internal::Task* self = internal::CurrentTask();
  std::ignore = internal::SchedulePoint(self, internal::WaitKind::kNone, nullptr, loc);
  auto entry = std::make_shared<internal::AfterFuncEntry>();
  entry->is_after_func = true;
  entry->context = ctx.node();
  internal::RefContext(entry->context);
  entry->function = std::move(f);
  entry->run_in = WithoutCancel(ctx, loc);
  entry->world_id = self->world->id();
  entry->spec.detached = true;
  entry->spec.parent = internal::OwnNode(self->origin, self->id);
  internal::RefSpawnNode(entry->spec.parent);
  entry->spec.scope = self->spawn_scope;
  if (self->spawn_scope != nullptr) internal::RefScope(self->spawn_scope);
  entry->spec.site = loc;
  internal::ContextNode* above = ctx.node()->canceller;
  if (above == nullptr) return StopFunc(entry);  // never ends: never runs
  entry->self = entry;
  if (!internal::LinkChild(above, entry.get())) internal::StartAfterFunc(entry.get());
  return StopFunc(std::move(entry));
}

}  // namespace stranded
