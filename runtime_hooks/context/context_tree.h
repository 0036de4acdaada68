// The moves on the context tree that context.cc, after_func.cc and the value nodes are made of.
#ifndef STRANDED_RUNTIME_HOOKS_CONTEXT_CONTEXT_TREE_H_
#define STRANDED_RUNTIME_HOOKS_CONTEXT_CONTEXT_TREE_H_

#include "runtime_hooks/context/context_node.h"

namespace stranded::internal {

// How and by whom a context ends.
struct EndOfContext {
  ContextErr err = ContextErr::kNone;
  absl::Status cause;  // Ok: none but what Err() says
  std::int64_t at_ns = 0;
  std::uint64_t by = 0;  // task id; 0: a timer
  std::source_location site{};
  std::uint64_t origin = 0;  // id of the node where it began
};

// A new unpublished node below `parent`, with one reference of it.
ContextNode* MakeNode(ContextNode* parent, ContextKind kind, const std::source_location& site);

// Puts `child` into the list of `above`. False if that has ended already; then nothing is linked.
bool LinkChild(ContextNode* above, ContextChild* child);
// True if this call took it out.
bool UnlinkChild(ContextNode* above, ContextChild* child);

// Ends `node`, of which the caller has a reference, and all below it, oldest first and depth first.
// Only the first end of a node counts.
void EndContext(ContextNode* node, const EndOfContext& end);
// The end of a node that has one, to pass on.
EndOfContext EndOf(const ContextNode* node);

// Called by EndContext, outside all locks, with the entry taken out of the list.
void StartAfterFunc(ContextChild* entry);

absl::Status StatusOf(ContextErr err);

}  // namespace stranded::internal

#endif  // STRANDED_RUNTIME_HOOKS_CONTEXT_CONTEXT_TREE_H_
