// Leak scopes: "what this task and its descendants spawned from here on".
//
// Overview: a task counts in the scope that was current in its spawner. `live` tells an empty scope
// apart without a snapshot; it counts tasks of the scope and of the scopes below it.
// Thread safety: counters are atomic; Begin and End by the task that owns the scope.
// Invariants: live of a scope >= live of each scope below it.
// Ownership: scopes are reference counted by their tasks, the scopes below, and their owner.
#ifndef STRANDED_RUNTIME_HOOKS_REGISTRY_SCOPE_H_
#define STRANDED_RUNTIME_HOOKS_REGISTRY_SCOPE_H_

#include <atomic>
#include <cstdint>
#include <source_location>
#include <string>
#include <string_view>

namespace stranded::internal {

struct ScopeNode {
  std::uint64_t id = 0;
  ScopeNode* parent = nullptr;
  std::string name;
  std::source_location site{};
  std::uint64_t task = 0;
  std::atomic<std::int64_t> live{0};
  bool closed = false;  // by EndScope(); the task that owns it only
  std::atomic<bool> ended{false};
  std::atomic<bool> expected{false};  // what is left in it was looked at, and is as it should be
  std::atomic<std::uint32_t> refs{1};
};

ScopeNode* NewScope(ScopeNode* parent, std::string_view name, std::uint64_t task,
                    const std::source_location& site);
void RefScope(ScopeNode* scope);
void UnrefScope(ScopeNode* scope);
void AddToScope(ScopeNode* scope, std::int64_t delta);
bool IsWithin(const ScopeNode* scope, std::uint64_t ancestor_id);

}  // namespace stranded::internal

#endif  // STRANDED_RUNTIME_HOOKS_REGISTRY_SCOPE_H_
