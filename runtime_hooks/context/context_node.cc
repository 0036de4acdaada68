#include "runtime_hooks/context/context_node.h"

#include "runtime_hooks/channel/chan_core.h"
#include "runtime_hooks/context/context_tree.h"
#include "runtime_hooks/recorder/state_table.h"
#include "stranded/context.h"
#include "stranded/internal/context_ref.h"

namespace stranded::internal {
namespace {

ContextNode* MakeRoot(ContextKind kind) {
  ContextNode* node = MakeNode(nullptr, kind, {});
  node->immortal = true;
  Slab<ContextNode>::Publish(node);
  return node;
}

}  // namespace

std::atomic<std::int64_t> lost_cancels{0};

Slab<ContextNode>& ContextSlab() {
  static auto& slab = *new Slab<ContextNode>;  // never destroyed: tasks outlive statics
  return slab;
}

ContextNode::~ContextNode() {
  if (record.load(std::memory_order_relaxed) != nullptr) DropContextRecord(this);
  if (destroy_value != nullptr) destroy_value(value);
  const bool counted = cancel_lost.load(std::memory_order_relaxed) &&
                       ended.load(std::memory_order_relaxed) == ContextErr::kNone;
  if (counted) lost_cancels.fetch_sub(1, std::memory_order_relaxed);
}

ContextNode* BackgroundNode() {
  static ContextNode* const node = MakeRoot(ContextKind::kBackground);
  return node;
}

ContextNode* TodoNode() {
  static ContextNode* const node = MakeRoot(ContextKind::kTodo);
  return node;
}

ContextNode* NodeOf(const Context& context) { return context.node(); }

Context ContextOf(ContextNode* node) {
  RefContext(node);
  return Context(node);
}

std::uint64_t ContextIdOf(const ContextNode* node) { return node == nullptr ? 0 : node->id; }

void RefContext(ContextNode* node) { RefNode(node); }

void UnrefContext(ContextNode* node) {
  // A loop instead of recursion: the last handle may free a chain of thousands.
  while (!node->immortal && Slab<ContextNode>::Unref(node)) {
    ContextNode* parent = node->parent;
    if (parent->canceller != nullptr) UnlinkChild(parent->canceller, node);
    ContextSlab().Free(node);
    node = parent;
  }
}

ChanCore* DoneChannelOf(ContextNode* context) {
  ContextNode* node = context->canceller;
  if (node == nullptr) return nullptr;
  // Acquire: pairs with the release below.
  if (ChanCore* core = node->done_core.load(std::memory_order_acquire)) return core;
  ChanCore* core = NewChanFor(ChanRole::kContextDone, node->id, OpsFor<Unit>(), 0, node->site);
  Receiver<Unit> made{ChanRef(core)};
  SpinGuard guard(node->lock);
  if (ChanCore* other = node->done_core.load(std::memory_order_relaxed)) return other;
  node->done = std::move(made);
  if (node->done_closed.load(std::memory_order_relaxed)) {
    CloseNow(core, node->ended_by, node->ended_site);
  }
  node->done_core.store(core, std::memory_order_release);
  return core;
}

SelectCase DoneCase(const Context& ctx, const std::source_location& site) {
  SelectCase c;
  c.op = CaseOp::kDone;
  c.context = ctx.node();
  c.chan = DoneChannelOf(c.context);
  c.site = site;
  return c;
}

absl::Status EndedStatus(const Context& ctx) { return ctx.Err(); }

}  // namespace stranded::internal
