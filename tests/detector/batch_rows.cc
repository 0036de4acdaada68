#include "tests/detector/batch_rows.h"

#include <gtest/gtest.h>

#include <functional>
#include <protozero/pbf_builder.hpp>

#include "stranded/dump_format.h"
#include "stranded/dump_reader.h"
#include "stranded/report.h"

namespace stranded::detector {
namespace {

using Tag = dump::TaskBatchTag;
using Column = std::vector<std::int64_t>;

Column Differences(const std::vector<RowSpec>& rows,
                   const std::function<std::uint64_t(const RowSpec&)>& field) {
  Column column;
  std::uint64_t before = 0;
  for (const RowSpec& row : rows) {
    const std::uint64_t value = field(row);
    column.push_back(static_cast<std::int64_t>(value - before));
    before = value;
  }
  return column;
}

Column ObjectsOf(const std::vector<RowSpec>& rows) {
  Column column;
  std::vector<Id> before(64);
  for (const RowSpec& row : rows) {
    for (std::size_t i = 0; i < row.objects.size(); ++i) {
      column.push_back(static_cast<std::int64_t>(row.objects[i] - before[i]));
      before[i] = row.objects[i];
    }
  }
  return column;
}

}  // namespace

void AddRows(DumpBuilder& dump, const std::vector<RowSpec>& rows) {
  if (rows.empty()) return;
  std::string body, packet;
  {
    protozero::pbf_builder<Tag> batch(body);
    batch.add_uint32(Tag::kCount, static_cast<std::uint32_t>(rows.size()));
    const auto add = [&](Tag tag, const Column& column) {
      batch.add_packed_sint64(tag, column.begin(), column.end());
    };
    const auto since = [](const RowSpec& r) { return static_cast<std::uint64_t>(r.since_ns); };
    const auto id = [](const RowSpec& r) { return r.id; };
    add(Tag::kLike, Differences(rows, [](const RowSpec& r) { return r.like; }));
    add(Tag::kId, Differences(rows, id));
    add(Tag::kSpawn, Differences(rows, id));
    add(Tag::kParent, Differences(rows, [](const RowSpec& r) { return r.parent; }));
    add(Tag::kContext, Differences(rows, [](const RowSpec& r) { return r.context; }));
    add(Tag::kCreatedNs, Differences(rows, since));
    add(Tag::kSinceNs, Differences(rows, since));
    add(Tag::kParkCount, Differences(rows, [](const RowSpec&) { return 1; }));
    add(Tag::kObjects, ObjectsOf(rows));
    add(Tag::kGroup, Differences(rows, [](const RowSpec& r) { return r.group; }));
  }
  protozero::pbf_builder<dump::PacketTag>(packet).add_message(dump::PacketTag::kTaskBatch, body);
  dump.Raw(packet);
}

std::shared_ptr<const Dump> ReadMerged(const std::string& bytes, const AnalysisOptions& options) {
  ReadOptions read;
  read.merge = MergeAlike{options.min_age, options.most_tasks_listed};
  auto dump = ReadDump(bytes, "test", read);
  EXPECT_TRUE(dump.ok()) << dump.status();
  return dump.ok() ? *dump : std::make_shared<Dump>();
}

std::shared_ptr<const Dump> ReadEach(const std::string& bytes) {
  auto dump = ReadDump(bytes, "test");
  EXPECT_TRUE(dump.ok()) << dump.status();
  return dump.ok() ? *dump : std::make_shared<Dump>();
}

void ExpectTheSame(const std::string& bytes, const AnalysisOptions& options) {
  const Analysis each = Analyze(ReadEach(bytes), options);
  const Analysis merged = Analyze(ReadMerged(bytes, options), options);
  EXPECT_EQ(TextReport(merged), TextReport(each));
  EXPECT_EQ(JsonReport(merged), JsonReport(each));
  EXPECT_EQ(merged.look_again, each.look_again);
  EXPECT_EQ(merged.summary.tasks, each.summary.tasks);
  EXPECT_EQ(merged.summary.blocked, each.summary.blocked);
  EXPECT_EQ(merged.summary.stranded, each.summary.stranded);
  EXPECT_EQ(merged.summary.expected, each.summary.expected);
}

}  // namespace stranded::detector
