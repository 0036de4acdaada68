#include "detector/input/task_batch_decoder.h"

#include <algorithm>
#include <protozero/exception.hpp>

namespace stranded::detector {
namespace {

using Tag = dump::TaskBatchTag;

constexpr std::size_t kLeastBytes = 8;  // of a task: one in each column but the objects'

}  // namespace

// In the order of docs/stranded_dump.proto.
std::size_t ObjectCount(const Snapshot& s, const Task& model) {
  std::size_t count = (model.sync != 0 ? 1 : 0) + (model.join_task != 0 ? 1 : 0);
  for (std::uint32_t i = 0; i < model.case_count; ++i) {
    count += s.cases[model.first_case + i].op == CaseOp::kDone ? 2 : 1;
  }
  return count;
}

bool AddTask(Snapshot& s, std::uint32_t model, const BatchRow& row, std::span<const Id> objects,
             AffordRef afford) {
  Task task = s.tasks.all()[model];
  const SpawnNode* node = s.spawns.Find(task.spawn);
  // The model may be another one by now: a row can have its id.
  if (node == nullptr || ObjectCount(s, task) != objects.size()) return false;
  SpawnNode spawn = *node;
  // An id close to the one before shares its block of the index.
  const bool near = !s.tasks.all().empty() && IdIndex::Neighbours(row.id, s.tasks.all().back().id);
  const std::size_t index = 2 * (near ? sizeof(std::uint32_t) : IdIndex::kBlockBytes);
  if (!afford(sizeof task + sizeof spawn + task.case_count * sizeof(WaitCase) + index)) {
    return false;
  }
  task.id = spawn.task = row.id;
  task.spawn = spawn.id = row.spawn;
  spawn.parent = row.parent;
  task.context = row.context;
  task.created_ns = row.created_ns;
  task.since_ns = row.since_ns;
  task.park_count = row.park_count;
  task.group = row.group;
  task.held_count = task.frame_count = 0;
  task.crowd = 0;
  const std::uint32_t first = task.first_case;
  task.first_case = static_cast<std::uint32_t>(s.cases.size());
  const Id* object = objects.data();
  for (std::uint32_t i = 0; i < task.case_count; ++i) {
    WaitCase c = s.cases[first + i];
    c.channel = *object++;
    if (c.op == CaseOp::kDone) c.context = *object++;
    s.cases.push_back(c);
  }
  if (task.sync != 0) task.sync = *object++;
  if (task.join_task != 0) task.join_task = *object++;
  s.tasks.Add(task);
  s.spawns.Add(spawn);
  return true;
}

bool ReadTaskBatch(const data_view& bytes, Snapshot& s, AffordRef afford) {
  TaskColumns columns(bytes);
  BatchRow row;
  for (std::uint32_t i = 0; i < columns.rows(); ++i) {
    columns.Next(row);
    const std::uint32_t model = s.tasks.PositionOfId(row.like);
    if (model == IdIndex::kNone) return false;
    const std::size_t objects = ObjectCount(s, s.tasks.all()[model]);
    if (objects > TaskColumns::kMostObjects) return false;
    if (!AddTask(s, model, row, columns.ObjectsOf(objects), afford)) return false;
  }
  return columns.AtEnd();
}

dump::PacketTag HeadOf(std::string_view packet) {
  try {
    protozero::pbf_reader m(packet.data(), packet.size());
    return m.next() ? static_cast<dump::PacketTag>(m.tag()) : dump::PacketTag{};
  } catch (const protozero::exception&) {
    return dump::PacketTag{};
  }
}

std::size_t CountOfBatch(std::string_view packet) {
  try {
    Reader m(packet.data(), packet.size());
    if (!m.next()) return 0;
    Message<Tag> batch(m.get_view());
    if (!batch.next() || batch.tag() != Tag::kCount) return 0;
    return std::min<std::size_t>(batch.get_uint32(), packet.size() / kLeastBytes);
  } catch (const protozero::exception&) {
    return 0;
  }
}

}  // namespace stranded::detector
