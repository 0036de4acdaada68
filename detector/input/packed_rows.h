// Rows of objects in few bytes, readable field by field.
//
// Overview: what rows say repeats or grows slowly. 256 of them at a time are kept column by column,
// as differences to the smallest value of each column, in as many bytes as the largest one takes.
// A million rows take ten to twenty bytes each, and memory that is touched for the first time
// costs more than the few instructions to unpack them. Thread safety: as a container of the
// standard library.
#ifndef STRANDED_DETECTOR_INPUT_PACKED_ROWS_H_
#define STRANDED_DETECTOR_INPUT_PACKED_ROWS_H_

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>

#include "detector/model/large_vector.h"
#include "detector/model/snapshot.h"

namespace stranded::detector {

template <class Row>
class PackedRows {
 public:
  using Tag = typename Row::Tag;
  static_assert(std::endian::native == std::endian::little);

  std::uint32_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

  void Add(const Row& row) {
    if (newest_ == nullptr) newest_ = std::make_unique<std::array<Row, kChunkRows>>();
    if (size_ % kChunkRows == 0 && size_ > 0) Pack();
    (*newest_)[size_ % kChunkRows] = row;
    ++size_;
  }
  Id Field(std::uint32_t at, Tag tag) const {
    return Get(at, static_cast<std::size_t>(tag) - Row::kFirst);
  }
  std::int64_t Ns(std::uint32_t at, Tag tag) const {
    return static_cast<std::int64_t>(Field(at, tag));
  }
  Row At(std::uint32_t at) const {
    Row row;
    for (std::size_t i = 0; i < row.values.size(); ++i) row.values[i] = Get(at, i);
    return row;
  }

 private:
  static constexpr std::uint32_t kChunkRows = 256;
  struct Column {
    std::uint64_t least = 0;
    std::uint32_t bits = 0;  // of a value: a multiple of eight
    std::uint32_t at = 0;    // in words_
  };
  using Chunk = std::array<Column, std::tuple_size_v<decltype(Row::values)>>;

  Id Get(std::uint32_t at, std::size_t column) const {
    const std::uint32_t in_chunk = at % kChunkRows;
    if (at / kChunkRows == chunks_.size()) return (*newest_)[in_chunk].values[column];
    const Column& c = chunks_[at / kChunkRows][column];
    if (c.bits == 0) return c.least;
    std::uint64_t word = 0;
    const char* from =
        reinterpret_cast<const char*>(words_.data() + c.at) + std::size_t{in_chunk} * (c.bits / 8);
    std::memcpy(&word, from, sizeof word);
    return c.least + (c.bits == 64 ? word : word & ((std::uint64_t{1} << c.bits) - 1));
  }

  // Of newest_, which is full.
  void Pack() {
    Chunk& chunk = chunks_.emplace_back();
    for (std::size_t i = 0; i < chunk.size(); ++i) {
      const auto less = [i](const Row& a, const Row& b) { return a.values[i] < b.values[i]; };
      const auto [least, most] = std::minmax_element(newest_->begin(), newest_->end(), less);
      Column& c = chunk[i];
      c.least = least->values[i];
      const std::uint64_t span = most->values[i] - c.least;
      c.bits = static_cast<std::uint32_t>((std::bit_width(span) + 7) / 8 * 8);
      if (c.bits == 0) continue;
      // A whole word is read at the last one, too.
      const std::size_t bytes = std::size_t{kChunkRows} * (c.bits / 8);
      c.at = static_cast<std::uint32_t>(words_.size());
      words_.resize(words_.size() + bytes / sizeof(std::uint64_t) + 1);
      char* to = reinterpret_cast<char*>(words_.data() + c.at);
      for (const Row& row : *newest_) {
        const std::uint64_t value = row.values[i] - c.least;
        std::memcpy(to, &value, c.bits / 8);
        to += c.bits / 8;
      }
    }
  }

  // Those behind the chunks. Not in here: the reader may stand on a task's stack.
  std::unique_ptr<std::array<Row, kChunkRows>> newest_;
  LargeVector<Chunk> chunks_;
  LargeVector<std::uint64_t> words_;
  std::uint32_t size_ = 0;
};

}  // namespace stranded::detector

#endif  // STRANDED_DETECTOR_INPUT_PACKED_ROWS_H_
