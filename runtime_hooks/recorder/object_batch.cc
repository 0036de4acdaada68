#include "runtime_hooks/recorder/object_batch.h"

#include <algorithm>

namespace stranded::internal {
namespace {

// All kinds of batches number their columns alike.
using Tag = dump::ChannelBatchTag;
static_assert(static_cast<int>(Tag::kCount) == static_cast<int>(dump::ContextBatchTag::kCount));
static_assert(static_cast<int>(Tag::kLike) == static_cast<int>(dump::ContextBatchTag::kLike));
static_assert(static_cast<int>(Tag::kId) == static_cast<int>(dump::ContextBatchTag::kId));
static_assert(static_cast<int>(Tag::kLike) == static_cast<int>(dump::SpawnBatchTag::kLike));
static_assert(static_cast<int>(Tag::kId) == static_cast<int>(dump::SpawnBatchTag::kId));

}  // namespace

bool ObjectBatch::Take(const RowShape& shape, std::span<const std::uint64_t> values) {
  const std::uint64_t like = known_.LikeOf(shape, values[0]);
  if (like == 0) return false;
  used_ = values.size() + 1;
  if (columns_ == nullptr) columns_ = std::make_unique<Columns>();
  if (rows_left_ == 0) [[unlikely]]
    MakeRoom();
  --rows_left_;
  ++count_;
  auto& columns = *columns_;
  columns[0].Add(like);
  for (std::size_t i = 0; i < values.size(); ++i) columns[i + 1].Add(values[i]);
  return true;
}

std::uint32_t ObjectBatch::Rows() const {
  std::size_t room = kColumnBytes;
  for (std::size_t i = 0; i < used_; ++i) room = std::min(room, (*columns_)[i].Room());
  return static_cast<std::uint32_t>(room / kLongestVarint);
}

// Rows are as large as they can be only seldom, so columns are looked at again and again.
void ObjectBatch::MakeRoom() {
  rows_left_ = Rows();
  if (rows_left_ > 0) return;
  Flush();
  rows_left_ = Rows();
}

void ObjectBatch::Flush() {
  if (count_ == 0) return;
  out_.Write<Tag>(packet_, [&](auto& batch) {
    batch.add_uint32(Tag::kCount, count_);
    for (std::size_t i = 0; i < used_; ++i) {
      const auto tag = static_cast<Tag>(static_cast<std::size_t>(Tag::kLike) + i);
      const auto& column = (*columns_)[i];
      if (column.used) batch.add_bytes(tag, column.bytes.data(), column.size);
    }
  });
  for (auto& column : *columns_) column.Clear();
  count_ = rows_left_ = 0;
}

}  // namespace stranded::internal
