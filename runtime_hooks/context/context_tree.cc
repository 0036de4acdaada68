#include "runtime_hooks/context/context_tree.h"

#include <utility>

#include "runtime_hooks/channel/chan_core.h"
#include "runtime_hooks/recorder/events.h"
#include "runtime_hooks/recorder/state_table.h"
#include "stranded/internal/context_ref.h"

namespace stranded::internal {
namespace {

// Ids are taken in batches, one for each thread: a common counter costs as much as a lock.
constexpr std::uint64_t kIdBatch = 64;
std::atomic<std::uint64_t> next_id_batch{1};

// Not inlined: a task may go on on another thread, and the compiler takes the place of a
// thread-local for constant within a function.
__attribute__((noinline)) std::uint64_t NextContextId() {
  static thread_local constinit std::uint64_t next = 0, left = 0;
  if (left == 0) {
    next = next_id_batch.fetch_add(kIdBatch, std::memory_order_relaxed);
    left = kIdBatch;
  }
  --left;
  return next++;
}

// Children that end under one hold of their parent's lock, so that others are not kept waiting.
constexpr int kEndsPerHold = 64;

bool HasEnded(const ContextNode* node) {
  return node->ended.load(std::memory_order_relaxed) != ContextErr::kNone;
}

// Err() is set first, then the Done channel closes, both under the lock: who sees either waits for
// the lock to see the other.
void MarkEnded(ContextNode* node, const EndOfContext& end)
    ABSL_EXCLUSIVE_LOCKS_REQUIRED(node->lock) {
  if (!end.cause.ok()) node->cause.given = end.cause;
  node->cause.err = end.err;
  node->ended_ns = end.at_ns;
  node->ended_by = end.by;
  node->ended_site = end.site;
  node->ended_origin = end.origin;
  Record(EventKind::kCancel, end.by, node->id, end.site, static_cast<std::uint64_t>(end.err));
  // Release: pairs with the acquire in EndOf() and Err().
  node->ended.store(end.err, std::memory_order_release);
  if (tracing.load(std::memory_order_relaxed)) [[unlikely]]
    RecordContextEnd(node);
  if (node->cancel_lost.load(std::memory_order_relaxed)) {
    lost_cancels.fetch_sub(1, std::memory_order_relaxed);
  }
  ChanCore* done = node->done_core.load(std::memory_order_relaxed);
  if (done != nullptr) CloseNow(done, end.by, end.site);
  node->done_closed.store(true, std::memory_order_release);
}

// Does not touch `child` any more once it has said that it is out.
void TakeOut(ContextNode* above, ContextChild* child) ABSL_EXCLUSIVE_LOCKS_REQUIRED(above->lock) {
  (child->prev != nullptr ? child->prev->next : above->children) = child->next;
  (child->next != nullptr ? child->next->prev : above->last_child) = child->prev;
  --above->live_children;
  above->after_funcs -= child->is_after_func ? 1 : 0;
  // Release: pairs with the acquire in UnlinkChild().
  child->linked.store(false, std::memory_order_release);
}

// A child with nothing below it ends where it stands: its parent's lock keeps it from dying. False
// if it has children or a timer. One that is dying already is as good as ended.
bool EndInPlace(ContextNode* child, const EndOfContext& end) {
  if (Slab<ContextNode>::RefCount(child) == 0) return true;
  SpinGuard guard(child->lock);
  if (child->children != nullptr || child->timer_armed) return false;
  if (!HasEnded(child)) MarkEnded(child, end);
  return true;
}

// Ends children of `node` until one is left that needs more; that one is taken out and returned, a
// node with a reference. nullptr when there is no child any more.
ContextChild* EndChildren(ContextNode* node, const EndOfContext& end) {
  for (;;) {
    SpinGuard guard(node->lock);
    for (int i = 0; i < kEndsPerHold; ++i) {
      ContextChild* child = node->children;
      if (child == nullptr) return nullptr;
      bool needs_more = child->is_after_func;
      if (!needs_more) {
        auto* below = static_cast<ContextNode*>(child);
        needs_more = !EndInPlace(below, end) && Slab<ContextNode>::TryRef(below);
      }
      TakeOut(node, child);
      if (needs_more) return child;
    }
  }
}

// Ends this node alone, if it has not ended. True if it did and there are children to end. The
// timer is taken out under the lock, as it was set: a world that goes waits there for the timer's
// node (DropDeadline), and so is still one as long as its timer is armed.
bool EndOne(ContextNode* node, const EndOfContext& end) {
  bool parents = false, timers = false;
  {
    SpinGuard guard(node->lock);
    if (HasEnded(node)) return false;
    MarkEnded(node, end);
    // Whoever takes the timer out gives its reference back; otherwise the timer itself does.
    timers =
        std::exchange(node->timer_armed, false) && node->timer.world->RemoveTimer(&node->timer);
    parents = node->children != nullptr;  // none can come any more
  }
  if (timers) UnrefContext(node);
  return parents;
}

// A list of nodes whose children are ending instead of recursion: trees can be ten thousand levels
// deep. Each is out of its parent's list, so that its `next` is free to be used here.
void EndBelow(ContextNode* top, const EndOfContext& end) {
  ContextNode* now = top;
  now->next = nullptr;
  for (;;) {
    ContextChild* child = EndChildren(now, end);
    if (child == nullptr) {
      auto* above = static_cast<ContextNode*>(now->next);
      if (now != top) UnrefContext(now);
      if (above == nullptr) return;
      now = above;
    } else if (child->is_after_func) {
      StartAfterFunc(child);
    } else if (auto* below = static_cast<ContextNode*>(child); EndOne(below, end)) {
      below->next = now;
      now = below;
    } else {
      UnrefContext(below);
    }
  }
}

}  // namespace

ContextNode* MakeNode(ContextNode* parent, ContextKind kind, const std::source_location& site) {
  ContextNode* node = ContextSlab().NewUnpublished();
  node->id = NextContextId();
  node->kind = kind;
  node->site = site;
  if (parent == nullptr) return node;
  RefContext(parent);
  node->parent = parent;
  node->canceller = parent->canceller;
  node->earliest_ns = parent->earliest_ns;
  Task* self = CurrentTask();
  node->creator = self->id;
  node->created_ns = self->world->coarse_ns();
  node->world_id = self->world->id();
  Record(EventKind::kContext, self->id, node->id, site, static_cast<std::uint64_t>(kind));
  return node;
}

bool LinkChild(ContextNode* above, ContextChild* child) {
  SpinGuard guard(above->lock);
  if (HasEnded(above)) return false;
  child->next = nullptr;
  child->prev = above->last_child;
  (above->last_child != nullptr ? above->last_child->next : above->children) = child;
  above->last_child = child;
  ++above->live_children;
  above->after_funcs += child->is_after_func ? 1 : 0;
  child->linked.store(true, std::memory_order_relaxed);
  return true;
}

bool UnlinkChild(ContextNode* above, ContextChild* child) {
  // Acquire: pairs with the release in TakeOut().
  if (!child->linked.load(std::memory_order_acquire)) return false;
  SpinGuard guard(above->lock);
  if (!child->linked.load(std::memory_order_relaxed)) return false;
  TakeOut(above, child);
  return true;
}

EndOfContext EndOf(const ContextNode* node) {
  EndOfContext end;
  end.err = node->ended.load(std::memory_order_acquire);  // pairs with MarkEnded
  end.cause = node->cause.given;
  end.at_ns = node->ended_ns;
  end.by = node->ended_by;
  end.site = node->ended_site;
  end.origin = node->ended_origin;
  return end;
}

void EndContext(ContextNode* node, const EndOfContext& end) {
  const bool parents = EndOne(node, end);
  if (node->parent->canceller != nullptr) UnlinkChild(node->parent->canceller, node);
  if (parents) EndBelow(node, end);
}

absl::Status StatusOf(ContextErr err) {
  // Never destroyed: tasks outlive statics. A copy allocates nothing.
  static const auto& cancelled = *new absl::Status(absl::CancelledError("context canceled"));
  static const auto& late =
      *new absl::Status(absl::DeadlineExceededError("context deadline exceeded"));
  switch (err) {
    case ContextErr::kNone: return absl::OkStatus();
    case ContextErr::kCancelled: return cancelled;
    case ContextErr::kDeadlineExceeded: return late;
  }
  return absl::OkStatus();
}

absl::Status EndCause::status() const { return given.ok() ? StatusOf(err) : given; }

std::string_view EndCause::message() const {
  if (!given.ok()) return std::string_view(given.message().data(), given.message().size());
  switch (err) {
    case ContextErr::kNone: break;
    case ContextErr::kCancelled: return "context canceled";
    case ContextErr::kDeadlineExceeded: return "context deadline exceeded";
  }
  return "";
}

}  // namespace stranded::internal
