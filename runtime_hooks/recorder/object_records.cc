#include "runtime_hooks/recorder/object_records.h"

#include "runtime_hooks/context/context_node.h"
#include "runtime_hooks/recorder/state_table.h"
#include "runtime_hooks/sync/count_credit.h"
#include "stranded/internal/sync_base.h"

namespace stranded::internal {
namespace {

void WriteEnd(Ring* ring, mapped::Context* r, const ContextNode* node) {
  const std::uint64_t site = KeyOf(node->ended_site);
  ring->Explain(site);
  // A thread that makes the record and the one that ends the context may both come here.
  const RecordLock lock(r->seq, RecordLock::Shared{});
  r->err = static_cast<std::uint8_t>(node->ended.load(std::memory_order_acquire));
  r->ended_ns = node->ended_ns;
  r->ended_by = node->ended_by;
  r->ended_site = site;
  r->ended_origin = node->ended_origin;
}

void MakeContextRecord(Ring* ring, ContextNode* node) {
  auto* r = static_cast<mapped::Context*>(TakeRecordFor(ring, RecordKind::kContext));
  if (r == nullptr) return;
  const std::uint64_t site = KeyOf(node->site);
  ring->Explain(site);
  {
    const RecordLock lock(r->seq);
    r->kind = static_cast<std::uint8_t>(node->kind);
    r->err = 0;
    r->flags = node->has_cancel_func ? mapped::kHasCancel : 0;
    r->id = node->id;
    r->parent = node->parent == nullptr ? 0 : node->parent->id;
    r->site = site;
    r->creator = node->creator;
    r->created_ns = node->created_ns;
    r->deadline_ns = node->deadline_ns;
    r->world = node->world_id;
    r->state = mapped::kLive;
  }
  void* none = nullptr;
  // Seq_cst, as in RecordContextEnd(): either it sees the record, or this sees the end.
  if (!node->record.compare_exchange_strong(none, r, std::memory_order_seq_cst)) {
    GiveRecordBack(ring, r, RecordKind::kContext);  // another thread was faster
    return;
  }
  if (node->ended.load(std::memory_order_seq_cst) != ContextErr::kNone) WriteEnd(ring, r, node);
}

// Each fact goes from a register to the record: read back from there, two of them at once would
// wait until both stores are done.
void WriteSync(Ring* ring, mapped::Sync* r, const SyncBase* base) {
  const SyncPeer done = LastDoneOf(*base);
  const std::uint64_t holder_site = base->holder == 0 ? 0 : KeyOf(base->holder_site);
  const std::uint64_t add_site = base->last_add.task == 0 ? 0 : KeyOf(base->last_add.site);
  const std::uint64_t done_site = done.task == 0 ? 0 : KeyOf(done.site);
  ring->Explain(holder_site);
  ring->Explain(add_site);
  ring->Explain(done_site);
  const RecordLock lock(r->seq);
  r->holder = base->holder;
  r->holder_site = holder_site;
  r->readers = base->readers;
  r->waiters = base->waiters.size();
  r->readers_uncertain = base->readers_uncertain;
  r->counter = CountOf(*base);
  r->limit = base->limit;
  r->add_task = base->last_add.task;
  r->add_site = add_site;
  r->done_task = done.task;
  r->done_site = done_site;
  r->taker_keeps = base->taker_keeps ? 1 : 0;
  r->state = mapped::kLive;
}

}  // namespace

void NeedContextRecord(Ring* ring, ContextNode* context) {
  // Upwards until one that has a record: then those above it have one, too.
  for (; context != nullptr && context->record.load(std::memory_order_acquire) == nullptr;
       context = context->parent) {
    MakeContextRecord(ring, context);
  }
}

void NeedSyncRecord(Ring* ring, const SyncBase* base) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  auto* r = static_cast<mapped::Sync*>(base->record);
  if (r == nullptr) {
    r = static_cast<mapped::Sync*>(TakeRecordFor(ring, RecordKind::kSync));
    if (r == nullptr) return;
    const RecordLock lock(r->seq);
    r->id = base->id;
    r->kind = static_cast<std::uint8_t>(base->kind);
    r->role = static_cast<std::uint8_t>(base->role);
    r->site = KeyOf(base->site);
    ring->Explain(r->site);
    base->record = r;
  }
  WriteSync(ring, r, base);
}

void UpdateSync(const SyncBase* base) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  if (base->waiters.empty() || !HasMappedFile()) return;
  WriteSync(MyRing(), static_cast<mapped::Sync*>(base->record), base);
}

void RecordContextEnd(ContextNode* context) {
  // Seq_cst: pairs with MakeContextRecord().
  std::atomic_thread_fence(std::memory_order_seq_cst);
  auto* r = static_cast<mapped::Context*>(context->record.load(std::memory_order_seq_cst));
  if (r != nullptr && HasMappedFile()) WriteEnd(MyRing(), r, context);
}

void DropContextRecord(ContextNode* context) {
  auto* r = static_cast<mapped::Context*>(context->record.load(std::memory_order_relaxed));
  if (r != nullptr && HasMappedFile()) GiveRecordBack(MyRing(), r, RecordKind::kContext);
}

void DropSyncRecord(const SyncBase* base) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  auto* r = static_cast<mapped::Sync*>(base->record);
  base->record = nullptr;
  if (HasMappedFile()) GiveRecordBack(MyRing(), r, RecordKind::kSync);
}

}  // namespace stranded::internal
