#include "runtime_hooks/recorder/task_batch.h"

#include <algorithm>
#include <cstring>

#include "runtime_hooks/channel/chan_core.h"
#include "runtime_hooks/context/context_node.h"
#include "runtime_hooks/registry/scope.h"

namespace stranded::internal {
namespace {

bool IsDone(const SelectCase& c) {
  return c.op == CaseOp::kDone || (c.chan != nullptr && c.chan->role == ChanRole::kContextDone);
}

}  // namespace

bool TaskBatch::DescribeCases(const WaitRecord& wait, RowShape& shape) {
  for (std::uint32_t i = 0; i < wait.case_count; ++i) {
    const SelectCase c = CaseOf(wait, i);
    const bool done = IsDone(c);
    if (!done && c.context != nullptr) return false;
    shape.Add(c.site);
    shape.Add(static_cast<std::uint64_t>(c.op) << 1 | done);
  }
  return true;
}

bool TaskBatch::Describe(const Task& task, RowShape& shape) {
  const WaitRecord& wait = task.wait;
  const std::string_view name = task.name();
  if (task.is_thread || task.is_main || task.held_count != 0 || wait.until_ns != 0) return false;
  if (task.in_blocking_region.load(std::memory_order_relaxed)) return false;
  if (wait.case_count > kMostCases || name.size() > RowShape::kLongestText) return false;
  shape.count = 0;
  const bool sync = wait.sync != nullptr && IsSyncWait(wait.kind);
  const auto last_kind = task.last_kind.load(std::memory_order_relaxed);
  shape.Add(name.size() | std::uint64_t{wait.case_count} << 8 |
            static_cast<std::uint64_t>(wait.kind) << 16 |
            static_cast<std::uint64_t>(last_kind) << 24 | std::uint64_t{wait.range} << 32 |
            std::uint64_t{task.daemon} << 33 | std::uint64_t{task.pinned} << 34 |
            std::uint64_t{sync} << 35 | std::uint64_t{wait.join_task != 0} << 36 |
            std::uint64_t{wait.done_context != nullptr} << 37 |
            std::uint64_t{task.has_spawned.load(std::memory_order_relaxed)} << 38);
  shape.Add(task.world_id.load(std::memory_order_relaxed));
  shape.Add(task.scope == nullptr ? 0 : task.scope->id);
  shape.Add(wait.site);
  shape.Add(task.origin.site);
  shape.Add(task.last_site.load(std::memory_order_relaxed));
  shape.AddText(name);
  return DescribeCases(wait, shape);
}

// In the order of docs/stranded_dump.proto.
void TaskBatch::AddObjects(const Task& task) {
  const WaitRecord& wait = task.wait;
  std::size_t place = 0;
  for (std::uint32_t i = 0; i < wait.case_count; ++i) {
    const SelectCase c = CaseOf(wait, i);
    AddObject(place++, c.chan == nullptr ? 0 : c.chan->id);
    if (!IsDone(c)) continue;
    const bool plain = c.chan != nullptr && c.chan->role == ChanRole::kContextDone;
    AddObject(place++, plain ? c.chan->context_id : c.context == nullptr ? 0 : c.context->id);
  }
  if (wait.done_context != nullptr) {
    AddObject(place++, 0);
    AddObject(place++, wait.done_context->id);
  }
  if (wait.sync != nullptr && IsSyncWait(wait.kind)) AddObject(place++, wait.sync->id);
  if (wait.join_task != 0) AddObject(place++, wait.join_task);
}

bool TaskBatch::Take(const Task& task) {
  if (!Describe(task, shape_)) return false;
  const std::uint64_t like = known_.LikeOf(shape_, task.id);
  if (like == 0) return false;
  if (rows_left_ == 0) [[unlikely]]
    MakeRoom();
  --rows_left_;
  ++count_;
  like_.Add(like);
  id_.Add(task.id);
  const SpawnNode* parent = task.origin.parent;
  parent_.Add(parent == nullptr ? 0 : parent->id);
  context_.Add(task.context->id);
  created_.Add(static_cast<std::uint64_t>(task.created_ns));
  since_.Add(static_cast<std::uint64_t>(task.wait.since_ns));
  parks_.Add(task.park_count);
  group_.Add(task.group.load(std::memory_order_relaxed));
  AddObjects(task);
  return true;
}

// Rows are as large as they can be only seldom, so columns are looked at again and again.
void TaskBatch::MakeRoom() {
  const auto rows = [this] {
    std::size_t room = objects_.Room() / kMostObjects;
    for (const auto* column :
         {&like_, &id_, &parent_, &context_, &created_, &since_, &parks_, &group_}) {
      room = std::min(room, column->Room());
    }
    return static_cast<std::uint32_t>(room / kLongestVarint);
  };
  rows_left_ = rows();
  if (rows_left_ > 0) return;
  Flush();
  rows_left_ = rows();
}

void TaskBatch::Flush() {
  if (count_ == 0) return;
  using dump::TaskBatchTag;
  out_.Write<TaskBatchTag>(dump::PacketTag::kTaskBatch, [&](auto& b) {
    b.add_uint32(TaskBatchTag::kCount, count_);
    const auto add = [&](TaskBatchTag tag, auto& column) {
      b.add_bytes(tag, column.bytes.data(), column.size);
    };
    add(TaskBatchTag::kLike, like_);
    add(TaskBatchTag::kId, id_);
    add(TaskBatchTag::kSpawn, id_);  // a task's node has its id
    add(TaskBatchTag::kParent, parent_);
    add(TaskBatchTag::kContext, context_);
    add(TaskBatchTag::kCreatedNs, created_);
    add(TaskBatchTag::kSinceNs, since_);
    add(TaskBatchTag::kParkCount, parks_);
    add(TaskBatchTag::kObjects, objects_);
    if (group_.used) add(TaskBatchTag::kGroup, group_);
  });
  for (auto* column : {&like_, &id_, &parent_, &context_, &created_, &since_, &parks_, &group_}) {
    column->Clear();
  }
  objects_.Clear();
  objects_before_.fill(0);
  count_ = rows_left_ = 0;
}

}  // namespace stranded::internal
