// One node of the context tree.
//
// Overview: nodes point up and are immutable but for how they ended. Cancellable nodes (cancel,
// deadline, timeout) stand in the child list of the nearest cancellable node above; an end goes
// down these lists, never up. Value nodes and the others forward to their `canceller`. A Done
// channel is made when somebody asks for it.
// Thread safety: fields under "set once" are never changed. `ended` is published with release after
// the other facts of the end; all else is guarded by `lock`, but for a child list entry, which is
// guarded by the lock of the node whose list it is.
// Invariants: a node ends once. A node is in its canceller's list exactly while it has not ended.
// Lock order: parent before child; a node's lock before its Done channel's and its timer's. No task
// switch and no user code under a node's lock.
// Ownership: a node owns one reference of its parent; handles, tasks and an armed deadline timer
// own one of the node, all copies of a cancel function together another one. The two roots are
// never counted. Child lists own nothing: a dying child unlinks.
#ifndef STRANDED_RUNTIME_HOOKS_CONTEXT_CONTEXT_NODE_H_
#define STRANDED_RUNTIME_HOOKS_CONTEXT_CONTEXT_NODE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <source_location>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "runtime_hooks/registry/slab.h"
#include "runtime_hooks/scheduler/world.h"
#include "stranded/context.h"
#include "stranded/internal/context_ref.h"

namespace stranded::internal {

// Append only: the numbers are those of ContextKind in the dump format.
enum class ContextKind : std::uint8_t {
  kUnknown = 0,
  kBackground = 1,
  kTodo = 2,
  kCancel = 3,
  kDeadline = 4,
  kTimeout = 5,
  kValue = 6,
  kWithoutCancel = 7,
};

// Append only: ContextErr in the dump format.
enum class ContextErr : std::uint8_t { kNone = 0, kCancelled = 1, kDeadlineExceeded = 2 };

// An entry of a child list: a node or a registered AfterFunc.
struct ContextChild {
  ContextChild* next = nullptr;  // out of a list: free for whoever took it out
  ContextChild* prev = nullptr;
  // Changed under the lock. Stored false with release as the last touch by whoever takes it out: a
  // dying child that sees false need not take the lock.
  std::atomic<bool> linked{false};
  bool is_after_func = false;
};

// Why a context ended: the cause given, or what Err() says.
struct EndCause {
  absl::Status given;  // Ok: none
  ContextErr err = ContextErr::kNone;
  absl::Status status() const;
  std::string_view message() const;
};

struct ContextNode : ContextChild {
  static constexpr CacheKind kCacheKind = CacheKind::kContext;

  // --- set once
  ContextNode* parent = nullptr;  // one reference
  const void* key = nullptr;      // value nodes: address that stands for the key type
  void* value = nullptr;          // in `room` where it fits
  std::uint64_t id = 0;
  ContextNode* canceller = nullptr;  // nearest cancellable node at or above; nullptr: never ends
  ContextKind kind = ContextKind::kUnknown;
  bool immortal = false;  // the roots
  std::source_location site{};
  std::uint64_t creator = 0;  // task id
  std::int64_t created_ns = 0;
  std::uint64_t world_id = 0;      // where it was made
  std::int64_t deadline_ns = 0;    // own deadline; 0: none
  absl::Status deadline_cause;     // of its end by that; Ok: none in particular
  std::int64_t earliest_ns = 0;    // earliest of its own and those above; 0: none
  const char* key_type = nullptr;  // value nodes; mangled
  void (*destroy_value)(void*) = nullptr;
  std::size_t value_bytes = 0;
  std::string value_text;  // printable keys only
  bool value_printable = false;
  bool has_cancel_func = false;
  std::atomic<void*> record{nullptr};  // in the mapped file of a trace; seq_cst, see there

  // --- how it ended: written once under lock, then published by `ended`
  std::atomic<ContextErr> ended{ContextErr::kNone};
  std::atomic<bool> done_closed{false};  // release after the Done channel is closed
  EndCause cause;
  std::int64_t ended_ns = 0;
  std::uint64_t ended_by = 0;  // task id; 0: a timer
  std::source_location ended_site{};
  std::uint64_t ended_origin = 0;  // the node whose end came down

  // --- cancel functions
  std::atomic<std::uint32_t> cancel_copies{0};
  std::atomic<bool> cancel_called{false};
  std::atomic<bool> cancel_lost{false};

  // --- guarded by lock
  SpinLock lock;
  ContextChild* children = nullptr;  // oldest first
  ContextChild* last_child = nullptr;
  std::uint32_t live_children = 0;
  bool timer_armed = false;
  std::uint32_t after_funcs = 0;              // among the children
  Receiver<Unit> done;                        // set once under lock, read through done_core
  std::atomic<ChanCore*> done_core{nullptr};  // release; pairs with the acquire in DoneChannelOf
  // Each is made by those who need it only: they are the larger half of the node.
  union {
    TimerEntry timer;  // its own deadline
    alignas(kValueAlign) unsigned char room[kValueRoom];
  };

  ContextNode() {}  // NOLINT: leaves the union as it is
  ~ContextNode();
};

Slab<ContextNode>& ContextSlab();
inline void RefNode(ContextNode* node) {
  if (!node->immortal) Slab<ContextNode>::Ref(node);
}
inline void UnrefNode(ContextNode* node) {
  if (!node->immortal) UnrefContext(node);
}

// Contexts alive with `cancel_lost` set that have not ended; relaxed, a hint for leak checks.
extern std::atomic<std::int64_t> lost_cancels;

}  // namespace stranded::internal

#endif  // STRANDED_RUNTIME_HOOKS_CONTEXT_CONTEXT_NODE_H_
