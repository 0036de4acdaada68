// Ancestry: who spawned whom, kept as long as a descendant is alive.
//
// Overview: each spawn makes one node that points to the spawner's node. Chains are bounded: every
// kMaxDepth generations the nearest kKept nodes are copied and the rest is counted in `elided`, so
// that a server whose tasks spawn their successors does not grow.
// Thread safety: nodes are immutable after creation; reference counts are atomic.
// Invariants: parent chains are acyclic and at most kMaxDepth long.
// Ownership: a node owns a reference to its parent.
#ifndef STRANDED_RUNTIME_HOOKS_REGISTRY_SPAWN_NODE_H_
#define STRANDED_RUNTIME_HOOKS_REGISTRY_SPAWN_NODE_H_

#include <cstdint>
#include <source_location>
#include <string>

#include "runtime_hooks/registry/thread_block.h"

namespace stranded::internal {

struct SpawnNode {
  static constexpr CacheKind kCacheKind = CacheKind::kSpawnNode;
  std::uint64_t id = 0;
  std::uint64_t task_id = 0;
  SpawnNode* parent = nullptr;
  std::source_location site{};
  std::string name;
  std::uint32_t depth = 0;
  std::uint32_t elided = 0;  // generations left out above this node
};

// `name` may be null.
SpawnNode* NewSpawnNode(SpawnNode* parent, std::uint64_t task_id, const std::string* name,
                        const std::source_location& site);
void UnrefSpawnNode(SpawnNode* node);
void RefSpawnNode(SpawnNode* node);
// A thread keeps some references on the node it last spawned under: gives them back. When it idles.
void DropSpawnStash();

}  // namespace stranded::internal

#endif  // STRANDED_RUNTIME_HOOKS_REGISTRY_SPAWN_NODE_H_
