#include "stranded/context.h"

#include "runtime_hooks/context/context_tree.h"
#include "runtime_hooks/recorder/events.h"
#include "runtime_hooks/scheduler/task.h"
#include "stranded/internal/context_ref.h"

namespace stranded {
using internal::ContextErr;
using internal::ContextKind;
using internal::ContextNode;
using internal::EndOfContext;

namespace {

// Makes `node` end when the node above does; at once if that has ended already.
void FollowParent(ContextNode* node) {
  ContextNode* above = node->parent->canceller;
  if (above == nullptr || internal::LinkChild(above, node)) return;
  internal::EndContext(node, internal::EndOf(above));
}

void FireDeadline(internal::TimerEntry* timer) {
  auto* node = static_cast<ContextNode*>(timer->owner);
  {
    internal::SpinGuard guard(node->lock);
    node->timer_armed = false;
  }
  EndOfContext end;
  end.err = ContextErr::kDeadlineExceeded;
  end.cause = node->deadline_cause;
  end.at_ns = timer->world->NowNs();
  end.origin = node->id;
  internal::EndContext(node, end);
  internal::UnrefContext(node);
}

// Its world ends, and with it its clock: the deadline never comes.
void DropDeadline(internal::TimerEntry* timer) {
  auto* node = static_cast<ContextNode*>(timer->owner);
  {
    internal::SpinGuard guard(node->lock);
    node->timer_armed = false;
  }
  internal::UnrefContext(node);
}

void ArmDeadline(ContextNode* node) {
  internal::World* world = internal::CurrentWorld();
  internal::TimerEntry& timer = *new (&node->timer) internal::TimerEntry;
  timer.due_ns = node->deadline_ns;
  timer.kind = internal::TimerKind::kContext;
  timer.owner = node;
  timer.object_id = node->id;
  timer.site = node->site;
  timer.fire = &FireDeadline;
  timer.drop = &DropDeadline;
  internal::RefContext(node);  // the armed timer's
  {
    internal::SpinGuard guard(node->lock);
    // It may have ended with its parent since it was linked: then nobody would stop the timer.
    if (node->ended.load(std::memory_order_relaxed) == ContextErr::kNone) {
      node->timer_armed = true;
      world->AddTimer(&timer);
      return;
    }
  }
  internal::UnrefContext(node);
}

ContextNode* NewCancellable(const Context& parent, ContextKind kind,
                            const std::source_location& loc) {
  ContextNode* node = internal::MakeNode(parent.node(), kind, loc);
  node->canceller = node;
  node->has_cancel_func = true;
  node->cancel_copies.store(1, std::memory_order_relaxed);
  return node;
}

// Publishes it for two owners: the context's handle and its cancel function.
Context PublishForTwo(ContextNode* node) {
  internal::Slab<ContextNode>::Publish(node, 2);
  return Context(node);
}

std::pair<Context, CancelFunc> MakeDeadline(const Context& parent, ContextKind kind,
                                            std::int64_t deadline_ns, std::int64_t now_ns,
                                            const absl::Status& cause,
                                            const std::source_location& loc) {
  ContextNode* node = NewCancellable(parent, kind, loc);
  node->deadline_cause = cause;
  node->deadline_ns = deadline_ns;
  // A parent that ends earlier makes a timer of its own useless, as in Go.
  const bool parent_first = node->earliest_ns != 0 && node->earliest_ns <= deadline_ns;
  if (!parent_first) node->earliest_ns = deadline_ns;
  std::pair<Context, CancelFunc> made{PublishForTwo(node), internal::CancelRef(node)};
  FollowParent(node);
  if (parent_first) return made;
  if (deadline_ns <= now_ns) {
    EndOfContext end;
    end.err = ContextErr::kDeadlineExceeded;
    end.cause = cause;
    end.at_ns = now_ns;
    end.origin = node->id;
    internal::EndContext(node, end);
  } else {
    ArmDeadline(node);
  }
  return made;
}

}  // namespace

Context::Context() : node_(internal::BackgroundNode()) {}
Context::Context(const Context& other) : node_(other.node_) { internal::RefContext(node_); }
Context::Context(Context&& other) noexcept
    : node_(std::exchange(other.node_, internal::BackgroundNode())) {}
Context::~Context() { internal::UnrefContext(node_); }

namespace {

__attribute__((noinline)) const Receiver<Unit>& MakeDone(ContextNode* node) {
  static const Receiver<Unit> nil;
  if (internal::DoneChannelOf(node) == nullptr) return nil;
  return node->canceller->done;
}

}  // namespace

const Receiver<Unit>& Context::Done() const {
  // Acquire: pairs with the release in DoneChannelOf, after `done` was set for good.
  if (ContextNode* ends = node_->canceller;
      ends != nullptr && ends->done_core.load(std::memory_order_acquire) != nullptr) [[likely]] {
    return ends->done;
  }
  return MakeDone(node_);
}

absl::Status Context::Err() const {
  ContextNode* node = node_->canceller;
  if (node == nullptr) return absl::OkStatus();
  internal::Look(node);
  // Acquire: pairs with the release in MarkEnded.
  const ContextErr err = node->ended.load(std::memory_order_acquire);
  if (err == ContextErr::kNone) return absl::OkStatus();
  if (!node->done_closed.load(std::memory_order_acquire)) {
    internal::SpinGuard wait_for_close(node->lock);
  }
  internal::RecordLook(internal::WaitKind::kSelect, node->id, {});
  return internal::StatusOf(err);
}

absl::Status Context::Cause() const {
  ContextNode* node = node_->canceller;
  if (node == nullptr || Err().ok()) return absl::OkStatus();
  return node->cause.status();
}

std::optional<absl::Time> Context::Deadline() const {
  if (node_->earliest_ns == 0) return std::nullopt;
  return absl::FromUnixNanos(node_->earliest_ns);
}

namespace internal {
ContextNode* TodoNode();

namespace {

// Under the lock, so that the count stays right when the context ends at the same moment.
void NoteCancelLost(ContextNode* node) {
  SpinGuard guard(node->lock);
  node->cancel_lost.store(true, std::memory_order_relaxed);
  if (node->ended.load(std::memory_order_relaxed) == ContextErr::kNone) {
    lost_cancels.fetch_add(1, std::memory_order_relaxed);
  }
}

}  // namespace

CancelRef::CancelRef(const CancelRef& other) : node_(other.node_) {
  if (node_ != nullptr) node_->cancel_copies.fetch_add(1, std::memory_order_relaxed);
}

CancelRef::~CancelRef() {
  if (node_ == nullptr) return;
  // Acquire and acq_rel: the last copy sees the calls made through the others. Who has the only one
  // knows that nobody can copy it meanwhile.
  if (node_->cancel_copies.load(std::memory_order_acquire) != 1 &&
      node_->cancel_copies.fetch_sub(1, std::memory_order_acq_rel) != 1) {
    return;
  }
  if (!node_->cancel_called.load(std::memory_order_relaxed)) NoteCancelLost(node_);
  UnrefContext(node_);
}

void CancelRef::Cancel(const absl::Status& cause, const std::source_location& loc) const {
  if (node_ == nullptr) return;
  Task* self = CurrentTask();
  if (!SchedulePoint(self, WaitKind::kNone, nullptr, loc)) return;
  node_->cancel_called.store(true, std::memory_order_relaxed);
  EndOfContext end;
  end.err = ContextErr::kCancelled;
  end.cause = cause;
  end.at_ns = WaitNowNs(self);
  end.by = self->id;
  end.site = loc;
  end.origin = node_->id;
  EndContext(node_, end);
}

const void* FindValue(const ContextNode* node, const void* key) {
  for (; node != nullptr; node = node->parent) {
    if (node->key == key) return node->value;
  }
  return nullptr;
}

Context MakeValueContext(const Context& parent, const ValueType& type, void* value,
                         std::string* text, const std::source_location& loc) {
  ContextNode* node = MakeNode(parent.node(), ContextKind::kValue, loc);
  node->key = type.key;
  node->key_type = type.key_type->name();
  node->value = value;
  if (type.move != nullptr) {
    node->value = node->room;
    type.move(node->room, value);
  }
  node->destroy_value = type.destroy;
  node->value_bytes = type.bytes;
  node->value_printable = type.printable;
  if (text != nullptr) node->value_text = std::move(*text);
  Slab<ContextNode>::Publish(node);
  return Context(node);
}

}  // namespace internal

Context Background() { return Context(); }
Context TODO() { return Context(internal::TodoNode()); }

std::pair<Context, CancelFunc> WithCancel(const Context& parent, std::source_location loc) {
  ContextNode* node = NewCancellable(parent, ContextKind::kCancel, loc);
  std::pair<Context, CancelFunc> made{PublishForTwo(node), internal::CancelRef(node)};
  FollowParent(node);
  return made;
}

std::pair<Context, CancelCauseFunc> WithCancelCause(const Context& parent,
                                                    std::source_location loc) {
  ContextNode* node = NewCancellable(parent, ContextKind::kCancel, loc);
  std::pair<Context, CancelCauseFunc> made{PublishForTwo(node), internal::CancelRef(node)};
  FollowParent(node);
  return made;
}

std::pair<Context, CancelFunc> WithTimeout(const Context& parent, absl::Duration timeout,
                                           std::source_location loc) {
  return WithTimeoutCause(parent, timeout, absl::OkStatus(), loc);
}

std::pair<Context, CancelFunc> WithTimeoutCause(const Context& parent, absl::Duration timeout,
                                                const absl::Status& cause,
                                                std::source_location loc) {
  const std::int64_t now = internal::NowNs();
  const std::int64_t at = internal::LaterBy(now, absl::ToInt64Nanoseconds(timeout));
  return MakeDeadline(parent, ContextKind::kTimeout, at, now, cause, loc);
}

std::pair<Context, CancelFunc> WithDeadline(const Context& parent, absl::Time deadline,
                                            std::source_location loc) {
  return WithDeadlineCause(parent, deadline, absl::OkStatus(), loc);
}

std::pair<Context, CancelFunc> WithDeadlineCause(const Context& parent, absl::Time deadline,
                                                 const absl::Status& cause,
                                                 std::source_location loc) {
  return MakeDeadline(parent, ContextKind::kDeadline, absl::ToUnixNanos(deadline),
                      internal::NowNs(), cause, loc);
}

Context WithoutCancel(const Context& parent, std::source_location loc) {
  ContextNode* node = internal::MakeNode(parent.node(), ContextKind::kWithoutCancel, loc);
  node->canceller = nullptr;
  node->earliest_ns = 0;
  internal::Slab<ContextNode>::Publish(node);
  return Context(node);
}

}  // namespace stranded
