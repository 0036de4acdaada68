#include "detector/model/large_vector.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <new>
#include <utility>
#include <vector>

namespace stranded::detector {
namespace {

using testing::ElementsAre;

struct Row {
  std::uint64_t id = 0, rest[8] = {};
  Row() = default;
  explicit Row(std::uint64_t number) : id(number) { rest[7] = ~number; }
};

// Far past where memory of its own begins, and several times moved.
constexpr std::uint64_t kMany = 400'000;

LargeVector<Row> Rows(std::uint64_t count) {
  LargeVector<Row> rows;
  for (std::uint64_t i = 0; i < count; ++i) rows.emplace_back(i);
  return rows;
}

bool AreTheFirst(const LargeVector<Row>& rows, std::uint64_t count) {
  std::uint64_t at = 0;
  for (const Row& row : rows) {
    if (row.id != at || row.rest[7] != ~at) return false;
    ++at;
  }
  return at == count && rows.size() == count;
}

TEST(LargeVector, KeepsWhatItHadWhenItGrows) {
  for (const std::uint64_t count : {0, 1, 4, 5, 1000, 60'000}) {
    EXPECT_TRUE(AreTheFirst(Rows(count), count)) << count;
  }
  EXPECT_TRUE(AreTheFirst(Rows(kMany), kMany));
}

TEST(LargeVector, IsCopiedAndMoved) {
  for (const std::uint64_t count : {std::uint64_t{3}, kMany}) {
    LargeVector<Row> first = Rows(count);
    LargeVector<Row> copy = first;
    copy[1].id = 77;
    EXPECT_TRUE(AreTheFirst(first, count));
    LargeVector<Row> moved = std::move(first);
    EXPECT_TRUE(AreTheFirst(moved, count));
    EXPECT_TRUE(first.empty());  // NOLINT(bugprone-use-after-move): so it is left
    first = copy;
    EXPECT_EQ(first[1].id, 77u);
    copy = std::move(moved);
    EXPECT_TRUE(AreTheFirst(copy, count));
    copy = LargeVector<Row>();
    EXPECT_TRUE(copy.empty());
  }
}

TEST(LargeVector, TakesWhatLiesInItself) {
  LargeVector<std::uint64_t> values{7};
  while (values.size() < 2'000'000) values.push_back(values.front());
  values.resize(values.capacity() + 1, values.back());
  for (const std::uint64_t v : values) ASSERT_EQ(v, 7u);
}

TEST(LargeVector, IsCutAndFilledAsAVector) {
  LargeVector<int> values{1, 2, 3};
  values.resize(2);
  values.resize(4, 9);
  EXPECT_THAT(values, ElementsAre(1, 2, 9, 9));
  values.pop_back();
  const std::vector<int> more{5, 6};
  values.Append(more);
  EXPECT_THAT(values, ElementsAre(1, 2, 9, 5, 6));
  values.clear();
  values.Append({});
  EXPECT_TRUE(values.empty());
  values.reserve(3'000'000);
  EXPECT_GE(values.capacity(), 3'000'000u);
  values.push_back(4);
  EXPECT_THAT(values, ElementsAre(4));
}

TEST(LargeVector, SaysWhenThereIsNoRoom) {
  LargeVector<Row> rows = Rows(kMany);
  EXPECT_THROW(rows.reserve(std::uint64_t{1} << 60), std::bad_alloc);
  EXPECT_THROW(rows.reserve(std::uint64_t{1} << 41), std::bad_alloc);  // more than addresses
  EXPECT_TRUE(AreTheFirst(rows, kMany));
}

}  // namespace
}  // namespace stranded::detector
