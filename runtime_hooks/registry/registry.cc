#include <algorithm>
#include <tuple>
#include <type_traits>
#include <vector>

#include "runtime_hooks/channel/chan_core.h"
#include "runtime_hooks/context/context_node.h"
#include "runtime_hooks/registry/scope.h"
#include "runtime_hooks/registry/spawn_node.h"
#include "runtime_hooks/scheduler/pool_world.h"

namespace stranded::internal {
namespace {

// Never destroyed: tasks may still run while static destructors do.
template <class T>
Slab<T>& Forever() {
  static_assert(std::is_trivially_destructible_v<Slab<T>>);
  static constinit Slab<T> slab;
  return slab;
}

// Nodes have the id of their task; copies of shortened chains have ids of their own.
constexpr std::uint64_t kCopy = std::uint64_t{1} << 63;
std::atomic<std::uint64_t> next_copy_id{kCopy};
std::atomic<std::uint64_t> next_scope_id{1};

constexpr std::uint32_t kKept = 16;

SpawnNode* MakeNode(std::uint64_t id, SpawnNode* parent, std::uint64_t task_id,
                    const std::source_location& site) {
  SpawnNode* node = Forever<SpawnNode>().New();
  node->id = id;
  node->task_id = task_id;
  node->parent = parent;
  node->site = site;
  node->depth = parent == nullptr ? 0 : parent->depth + 1;
  return node;
}

// A chain with copies of the nearest kKept nodes; what stood above them is only counted.
SpawnNode* Shorten(const SpawnNode* chain) {
  std::vector<const SpawnNode*> nearest;
  std::uint32_t above = 0;
  for (const SpawnNode* n = chain; n != nullptr; n = n->parent) {
    if (nearest.size() < kKept) {
      nearest.push_back(n);
    } else {
      ++above;
    }
    above += n->elided;
  }
  SpawnNode* made = nullptr;
  for (std::size_t i = nearest.size(); i-- > 0;) {
    const bool top = made == nullptr;
    made = MakeNode(next_copy_id.fetch_add(1, std::memory_order_relaxed), made, nearest[i]->task_id,
                    nearest[i]->site);
    made->name = nearest[i]->name;
    if (top) made->elided = above;
  }
  return made;
}

struct WorldList {
  SpinLock lock;
  std::vector<World*> worlds ABSL_GUARDED_BY(lock);
};
WorldList& Worlds() {
  static auto& list = *new WorldList;
  return list;
}

}  // namespace

constinit Slab<Task> task_slab;
static_assert(std::is_trivially_destructible_v<Slab<Task>>);  // as above
Slab<ChanCore>& ChanSlab() { return Forever<ChanCore>(); }

namespace {

void DropSpawnNodes(SpawnNode* node, std::uint32_t count) {
  while (node != nullptr && Slab<SpawnNode>::Unref(node, count)) {
    SpawnNode* parent = node->parent;
    Forever<SpawnNode>().Free(node);
    node = parent;
    count = 1;
  }
}

void RefForChild(SpawnNode* parent) {
  SpawnStash& stash = Here()->spawn_stash;
  if (stash.node != parent || stash.count == 0) {
    const SpawnStash old = stash;
    Slab<SpawnNode>::Ref(parent, SpawnStash::kTaken);
    stash = {parent, SpawnStash::kTaken};
    if (old.count > 0) DropSpawnNodes(old.node, old.count);
  }
  --stash.count;
}

}  // namespace

std::string_view Origin::NameOf(const SpawnNode* own) { return own->name; }

void SetDistantParent(Origin& origin, SpawnNode* parent) {
  if (parent->depth >= SpawnNode::kMaxDepth) {
    origin.parent = Shorten(parent);
  } else {
    RefForChild(parent);
  }
}

// Before anybody else has the task, or from itself.
SpawnNode* MakeOwnNode(Origin& origin, std::uint64_t task_id, const std::string& name) {
  SpawnNode* made = MakeNode(task_id, origin.parent, task_id, origin.site);
  made->name = name;
  origin.node.store(made, std::memory_order_release);  // pairs with Origin::Node()
  return made;
}

void RefSpawnNode(SpawnNode* node) { Slab<SpawnNode>::Ref(node); }

void UnrefDistant(SpawnNode* node) {
  while (node != nullptr) {
    SpawnStash& stash = Here()->spawn_stash;
    if (stash.node == node && stash.count > 0) {
      if (stash.count == SpawnStash::kMost) {
        stash.count -= SpawnStash::kMost / 2;
        std::ignore = Slab<SpawnNode>::Unref(node, SpawnStash::kMost / 2);  // the rest keeps it
      }
      ++stash.count;
      return;
    }
    // Whoever has the only reference needs none for looking: nobody else can take one.
    if (Slab<SpawnNode>::RefCount(node) != 1) {
      // Whoever runs many children of one task gives their references back together.
      if (stash.count == 0) {
        SpillAtThreadExit();
        stash = {node, 1};
        return;
      }
      if (!Slab<SpawnNode>::Unref(node)) return;
    }
    SpawnNode* parent = node->parent;
    Forever<SpawnNode>().Free(node);
    node = parent;
  }
}

void DropSpawnStash() {
  const SpawnStash old = std::exchange(Here()->spawn_stash, SpawnStash{});
  if (old.count > 0) DropSpawnNodes(old.node, old.count);
}

namespace {
// One that is over, for the next test of a suite. Release when it is put here: pairs with the
// acquire of whoever takes it.
std::atomic<ScopeNode*> spare_scope{nullptr};

ScopeNode* TakeScope() {
  ScopeNode* scope = spare_scope.exchange(nullptr, std::memory_order_acquire);
  if (scope == nullptr) return new ScopeNode;
  scope->live.store(0, std::memory_order_relaxed);
  scope->closed = false;
  scope->ended.store(false, std::memory_order_relaxed);
  scope->expected.store(false, std::memory_order_relaxed);
  scope->refs.store(1, std::memory_order_relaxed);
  return scope;
}

void DropScope(ScopeNode* scope) {
  ScopeNode* none = nullptr;
  if (!spare_scope.compare_exchange_strong(none, scope, std::memory_order_release,
                                           std::memory_order_relaxed)) {
    delete scope;
  }
}
}  // namespace

ScopeNode* NewScope(ScopeNode* parent, std::string_view name, std::uint64_t task,
                    const std::source_location& site) {
  ScopeNode* scope = TakeScope();
  scope->id = next_scope_id.fetch_add(1, std::memory_order_relaxed);
  scope->parent = parent;
  if (parent != nullptr) RefScope(parent);
  scope->name.assign(name);
  scope->task = task;
  scope->site = site;
  return scope;
}

void RefScope(ScopeNode* scope) { scope->refs.fetch_add(1, std::memory_order_relaxed); }

void UnrefScope(ScopeNode* scope) {
  // Acq_rel: the last owner sees all that the others did before it deletes.
  while (scope != nullptr && scope->refs.fetch_sub(1, std::memory_order_acq_rel) == 1) {
    ScopeNode* parent = scope->parent;
    DropScope(scope);
    scope = parent;
  }
}

void AddToScope(ScopeNode* scope, std::int64_t delta) {
  // Release: pairs with the acquire of the check that finds the scope empty, so that the checker
  // sees all that the finished tasks did.
  for (; scope != nullptr; scope = scope->parent) {
    scope->live.fetch_add(delta, std::memory_order_acq_rel);
  }
}

bool IsWithin(const ScopeNode* scope, std::uint64_t ancestor_id) {
  for (; scope != nullptr; scope = scope->parent) {
    if (scope->id == ancestor_id) return true;
  }
  return false;
}

void RegisterWorld(World* world) {
  SpinGuard guard(Worlds().lock);
  Worlds().worlds.push_back(world);
}
void UnregisterWorld(World* world) {
  SpinGuard guard(Worlds().lock);
  std::erase(Worlds().worlds, world);
}
World* PinWorld(std::uint64_t id) {
  {
    SpinGuard guard(Worlds().lock);
    for (World* world : Worlds().worlds) {
      if (world->id() != id) continue;
      world->pins_.fetch_add(1, std::memory_order_relaxed);
      return world;
    }
  }
  World* const pool = DefaultPool();
  pool->pins_.fetch_add(1, std::memory_order_relaxed);
  return pool;
}
namespace {
template <class F>
void ForEachSlab(F f) {
  f(TaskSlab());
  f(ChanSlab());
  f(ContextSlab());
  f(Forever<SpawnNode>());
}
}  // namespace

void LockRegistry() ABSL_NO_THREAD_SAFETY_ANALYSIS {
  Worlds().lock.Lock();
  ForEachSlab([](auto& slab) { slab.BeforeFork(); });
}
void UnlockRegistry() ABSL_NO_THREAD_SAFETY_ANALYSIS {
  ForEachSlab([](auto& slab) { slab.AfterFork(); });
  Worlds().lock.Unlock();
}
std::vector<std::uint64_t> WorldIds(bool pools_only) {
  struct Search {
    const bool pools_only;
    std::vector<std::uint64_t> ids;
  } search{pools_only, {}};
  ForEachWorld(
      [](World* world, void* arg) {
        auto& s = *static_cast<Search*>(arg);
        if (world->UsesThreads() || !s.pools_only) s.ids.push_back(world->id());
      },
      &search);
  std::sort(search.ids.begin(), search.ids.end());
  return search.ids;
}
std::vector<std::uint64_t> PoolIds() { return WorldIds(true); }
void ForEachWorld(void (*f)(World*, void*), void* arg) {
  SpinGuard guard(Worlds().lock);
  for (World* world : Worlds().worlds) f(world, arg);
}

}  // namespace stranded::internal
