// Ancestry: who spawned whom, kept as long as a descendant is alive.
//
// Overview: a task that spawns has a node, to which the origins of its children point. It is made
// at the first spawn; most tasks never have one. Chains are bounded: every kMaxDepth generations
// the nearest kKept nodes are copied and the rest is counted in `elided`, so that a server whose
// tasks spawn their successors does not grow.
// Thread safety: nodes are immutable after creation; reference counts are atomic. An origin is set
// once, but for its own node, which its task makes and any thread may look for.
// Invariants: parent chains are acyclic and at most kMaxDepth long. A node has the id of its
// task, but for copies.
// Ownership: a node owns a reference to its parent. An origin owns one of its node, or, while it
// has none, of its parent; whoever copies it says who has it now.
#ifndef STRANDED_RUNTIME_HOOKS_REGISTRY_SPAWN_NODE_H_
#define STRANDED_RUNTIME_HOOKS_REGISTRY_SPAWN_NODE_H_

#include <atomic>
#include <cstdint>
#include <source_location>
#include <string>

#include "runtime_hooks/registry/thread_block.h"

namespace stranded::internal {

struct SpawnNode {
  static constexpr CacheKind kCacheKind = CacheKind::kSpawnNode;
  static constexpr std::uint32_t kMaxDepth = 96;
  std::uint64_t id = 0;
  std::uint64_t task_id = 0;
  SpawnNode* parent = nullptr;
  std::source_location site{};
  std::string name;
  std::uint32_t depth = 0;
  std::uint32_t elided = 0;  // generations left out above this node
};

// Where a task comes from.
struct Origin {
  SpawnNode* parent = nullptr;
  std::source_location site{};
  // Release when it is made, acquire when it is found: whoever sees it sees what is in it.
  std::atomic<SpawnNode*> node{nullptr};

  Origin() = default;
  Origin(const Origin& other) { *this = other; }
  Origin& operator=(const Origin& other) {
    if (this == &other) return *this;
    parent = other.parent;
    site = other.site;
    node.store(other.Node(), std::memory_order_relaxed);
    return *this;
  }
  SpawnNode* Node() const { return node.load(std::memory_order_acquire); }
  // What it has a reference of.
  SpawnNode* Owned() const {
    SpawnNode* own = Node();
    return own != nullptr ? own : parent;
  }
  std::string_view Name() const {  // ends with a zero, as C's strings do
    const SpawnNode* own = Node();
    return own == nullptr ? std::string_view("") : NameOf(own);
  }

 private:
  static std::string_view NameOf(const SpawnNode* own);
};

// Takes a reference on `parent`, or on a shorter copy, from beside the thread's stash.
void SetDistantParent(Origin& origin, SpawnNode* parent);
// Of a task spawned at `site` by the one that has the node `parent`; null: by nobody.
inline void SetOrigin(Origin& origin, SpawnNode* parent, const std::source_location& site) {
  origin.site = site;
  origin.parent = parent;
  if (parent == nullptr) return;
  SpawnStash& stash = Here()->spawn_stash;
  if (stash.node != parent || stash.count == 0 || parent->depth >= SpawnNode::kMaxDepth)
      [[unlikely]] {
    return SetDistantParent(origin, parent);
  }
  --stash.count;
}
SpawnNode* MakeOwnNode(Origin& origin, std::uint64_t task_id, const std::string& name);
// Its own node, made now if it has none. From its own task.
inline SpawnNode* OwnNode(Origin& origin, std::uint64_t task_id) {
  SpawnNode* own = origin.node.load(std::memory_order_relaxed);
  return own != nullptr ? own : MakeOwnNode(origin, task_id, std::string());
}

void UnrefDistant(SpawnNode* node);
inline void UnrefSpawnNode(SpawnNode* node) {  // may be null
  SpawnStash& stash = Here()->spawn_stash;
  // A stash that is empty or full is none to put it into.
  if (stash.node != node || stash.count - 1 >= SpawnStash::kMost - 1) [[unlikely]]
    return UnrefDistant(node);
  ++stash.count;
}
void RefSpawnNode(SpawnNode* node);
inline void RefOrigin(const Origin& origin) {
  if (SpawnNode* owned = origin.Owned()) RefSpawnNode(owned);
}
inline void UnrefOrigin(const Origin& origin) { UnrefSpawnNode(origin.Owned()); }
// A thread keeps some references on the node it last spawned under: gives them back. When it idles.
void DropSpawnStash();

}  // namespace stranded::internal

#endif  // STRANDED_RUNTIME_HOOKS_REGISTRY_SPAWN_NODE_H_
