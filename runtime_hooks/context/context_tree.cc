#include "runtime_hooks/context/context_tree.h"

#include <vector>

#include "runtime_hooks/channel/chan_core.h"
#include "runtime_hooks/recorder/events.h"
#include "runtime_hooks/recorder/state_table.h"
#include "stranded/internal/context_ref.h"

namespace stranded::internal {
namespace {

std::atomic<std::uint64_t> next_context_id{1};

// True if this call ended it. Err() is set first, then the Done channel closes, both under the
// lock: who sees either waits for the lock to see the other.
bool MarkEnded(ContextNode* node, const EndOfContext& end) {
  SpinGuard guard(node->lock);
  if (node->ended.load(std::memory_order_relaxed) != ContextErr::kNone) return false;
  node->cause = end.cause;
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
  return true;
}

ContextChild* PopChild(ContextNode* node, bool* alive) {
  SpinGuard guard(node->lock);
  ContextChild* child = node->children;
  if (child == nullptr) return nullptr;
  node->children = child->next;
  if (child->next != nullptr) child->next->prev = nullptr;
  child->next = child->prev = nullptr;
  child->linked = false;
  --node->live_children;
  *alive = child->is_after_func || Slab<ContextNode>::TryRef(static_cast<ContextNode*>(child));
  return child;
}

void StopTimer(ContextNode* node) {
  bool armed = false;
  {
    SpinGuard guard(node->lock);
    armed = std::exchange(node->timer_armed, false);
  }
  // Whoever takes the timer out gives its reference back; otherwise the timer itself does.
  if (armed && node->timer.world->RemoveTimer(&node->timer)) UnrefContext(node);
}

}  // namespace

ContextNode* MakeNode(ContextNode* parent, ContextKind kind, const std::source_location& site) {
  ContextNode* node = ContextSlab().NewUnpublished();
  node->id = next_context_id.fetch_add(1, std::memory_order_relaxed);
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
  if (above->ended.load(std::memory_order_relaxed) != ContextErr::kNone) return false;
  child->next = above->children;
  if (above->children != nullptr) above->children->prev = child;
  above->children = child;
  child->linked = true;
  ++above->live_children;
  return true;
}

bool UnlinkChild(ContextNode* above, ContextChild* child) {
  SpinGuard guard(above->lock);
  if (!child->linked) return false;
  (child->prev != nullptr ? child->prev->next : above->children) = child->next;
  if (child->next != nullptr) child->next->prev = child->prev;
  child->next = child->prev = nullptr;
  child->linked = false;
  --above->live_children;
  return true;
}

EndOfContext EndOf(const ContextNode* node) {
  EndOfContext end;
  end.err = node->ended.load(std::memory_order_acquire);  // pairs with MarkEnded
  end.cause = node->cause;
  end.at_ns = node->ended_ns;
  end.by = node->ended_by;
  end.site = node->ended_site;
  end.origin = node->ended_origin;
  return end;
}

void EndContext(ContextNode* node, const EndOfContext& end) {
  // A list of work instead of recursion: trees can be ten thousand levels deep.
  std::vector<ContextNode*> work;
  RefContext(node);
  work.push_back(node);
  while (!work.empty()) {
    ContextNode* now = work.back();
    work.pop_back();
    if (MarkEnded(now, end)) {
      if (now->parent->canceller != nullptr) UnlinkChild(now->parent->canceller, now);
      StopTimer(now);
      bool alive = false;
      while (ContextChild* child = PopChild(now, &alive)) {
        if (!alive) continue;
        if (child->is_after_func) {
          StartAfterFunc(child);
        } else {
          work.push_back(static_cast<ContextNode*>(child));
        }
      }
    }
    UnrefContext(now);
  }
}

absl::Status StatusOf(ContextErr err) {
  switch (err) {
    case ContextErr::kNone: return absl::OkStatus();
    case ContextErr::kCancelled: return absl::CancelledError("context canceled");
    case ContextErr::kDeadlineExceeded:
      return absl::DeadlineExceededError("context deadline exceeded");
  }
  return absl::OkStatus();
}

}  // namespace stranded::internal
