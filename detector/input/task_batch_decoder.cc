#include "detector/input/task_batch_decoder.h"

#include <algorithm>
#include <array>
#include <protozero/exception.hpp>
#include <protozero/varint.hpp>

namespace stranded::detector {
namespace {

using Tag = dump::TaskBatchTag;

constexpr std::size_t kLeastBytes = 8;  // of a task: one in each column but the objects'
constexpr std::size_t kMostObjects = 64;

// One varint after the other; throws behind the end.
class Column {
 public:
  Column() = default;
  explicit Column(const data_view& bytes) : at_(bytes.data()), end_(bytes.data() + bytes.size()) {}
  std::uint64_t Difference() {
    if (at_ != end_ && (*at_ & 0x80) == 0) return Unzigzag(static_cast<unsigned char>(*at_++));
    return Unzigzag(protozero::decode_varint(&at_, end_));
  }
  std::uint64_t Next() { return value_ += Difference(); }
  bool AtEnd() const { return at_ == end_; }

 private:
  static std::uint64_t Unzigzag(std::uint64_t z) { return z >> 1 ^ (0 - (z & 1)); }
  const char* at_ = nullptr;
  const char* end_ = nullptr;
  std::uint64_t value_ = 0;
};

class Batch {
 public:
  Batch(const data_view& bytes, Snapshot& s) : s_(s) {
    Message<Tag> m(bytes);
    while (m.next()) {
      const auto tag = static_cast<std::size_t>(m.tag());
      if (m.tag() == Tag::kCount) {
        count_ = m.get_uint32();
      } else if (tag < columns_.size()) {
        columns_[tag] = Column(m.get_view());
      } else {
        m.skip();
      }
    }
  }

  bool Read(absl::FunctionRef<bool(std::size_t)> afford) {
    for (std::uint32_t i = 0; i < count_; ++i) {
      const std::uint64_t like = Of(Tag::kLike).Next();
      const std::uint32_t position = s_.tasks.PositionOfId(like);
      if (position == IdIndex::kNone) return false;
      Task task = s_.tasks.all()[position];
      const SpawnNode* node = s_.spawns.Find(task.spawn);
      if (node == nullptr) return false;
      SpawnNode spawn = *node;
      const Id before = id_before_;
      ReadScalars(task, spawn);
      const bool near = IdIndex::Neighbours(task.id, before);
      const std::size_t index = 2 * (near ? sizeof(std::uint32_t) : IdIndex::kBlockBytes);
      if (!afford(sizeof task + sizeof spawn + task.case_count * sizeof(WaitCase) + index)) {
        return false;
      }
      if (!ReadObjects(task)) return false;
      s_.tasks.Add(task);
      s_.spawns.Add(spawn);
    }
    for (const Column& column : columns_) {
      if (!column.AtEnd()) return false;
    }
    return true;
  }

 private:
  Column& Of(Tag tag) { return columns_[static_cast<std::size_t>(tag)]; }

  void ReadScalars(Task& task, SpawnNode& spawn) {
    task.id = spawn.task = id_before_ = Of(Tag::kId).Next();
    task.spawn = spawn.id = Of(Tag::kSpawn).Next();
    spawn.parent = Of(Tag::kParent).Next();
    task.context = Of(Tag::kContext).Next();
    task.created_ns = static_cast<std::int64_t>(Of(Tag::kCreatedNs).Next());
    task.since_ns = static_cast<std::int64_t>(Of(Tag::kSinceNs).Next());
    task.park_count = Of(Tag::kParkCount).Next();
    task.group = Of(Tag::kGroup).AtEnd() ? 0 : Of(Tag::kGroup).Next();
    task.held_count = task.frame_count = 0;
  }

  // In the order of docs/stranded_dump.proto.
  bool ReadObjects(Task& task) {
    if (2 * std::size_t{task.case_count} + 2 > kMostObjects) return false;
    const std::uint32_t first = task.first_case;
    task.first_case = static_cast<std::uint32_t>(s_.cases.size());
    std::size_t place = 0;
    for (std::uint32_t i = 0; i < task.case_count; ++i) {
      WaitCase c = s_.cases[first + i];
      c.channel = Object(place++);
      if (c.op == CaseOp::kDone) c.context = Object(place++);
      s_.cases.push_back(c);
    }
    if (task.sync != 0) task.sync = Object(place++);
    if (task.join_task != 0) task.join_task = Object(place++);
    return true;
  }
  Id Object(std::size_t place) { return objects_[place] += Of(Tag::kObjects).Difference(); }

  Snapshot& s_;
  std::uint32_t count_ = 0;
  std::array<Column, static_cast<std::size_t>(Tag::kGroup) + 1> columns_;
  std::array<Id, kMostObjects> objects_{};
  Id id_before_ = 0;
};

}  // namespace

bool ReadTaskBatch(const data_view& bytes, Snapshot& s,
                   absl::FunctionRef<bool(std::size_t bytes)> afford) {
  return Batch(bytes, s).Read(afford);
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
