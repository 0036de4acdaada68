#include "tests/detector/batch_rows.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <protozero/pbf_builder.hpp>
#include <protozero/pbf_writer.hpp>

#include "stranded/dump_format.h"
#include "stranded/dump_reader.h"
#include "stranded/report.h"

namespace stranded::detector {
namespace {

using Tag = dump::TaskBatchTag;
using Column = std::vector<std::int64_t>;

template <class Spec, class Field>
Column Differences(const std::vector<Spec>& rows, const Field& field) {
  Column column;
  std::uint64_t before = 0;
  for (const Spec& row : rows) {
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

namespace {

template <class Spec>
using Fields = std::vector<std::function<std::uint64_t(const Spec&)>>;

// In the order of the schema, behind the count.
template <class Spec>
void AddColumns(DumpBuilder& dump, dump::PacketTag packet_tag, const std::vector<Spec>& rows,
                const Fields<Spec>& fields) {
  if (rows.empty()) return;
  std::string body, packet;
  {
    protozero::pbf_writer batch(body);
    batch.add_uint32(1, static_cast<std::uint32_t>(rows.size()));
    for (std::size_t i = 0; i < fields.size(); ++i) {
      const Column column = Differences(rows, fields[i]);
      const auto zero = [](std::int64_t value) { return value == 0; };
      if (std::all_of(column.begin(), column.end(), zero)) continue;
      batch.add_packed_sint64(static_cast<std::uint32_t>(i + 2), column.begin(), column.end());
    }
  }
  protozero::pbf_builder<dump::PacketTag>(packet).add_message(packet_tag, body);
  dump.Raw(packet);
}

}  // namespace

void AddRows(DumpBuilder& dump, const std::vector<ObjectSpec<Channel>>& rows) {
  using Spec = ObjectSpec<Channel>;
  Fields<Spec> fields = {[](const Spec& s) { return s.like; },
                         [](const Spec& s) { return s.object.id; },
                         [](const Spec& s) { return s.object.creator_task; },
                         [](const Spec& s) { return static_cast<Id>(s.object.created_ns); },
                         [](const Spec& s) { return s.object.context; },
                         [](const Spec& s) { return s.object.closed_by_task; },
                         [](const Spec& s) { return static_cast<Id>(s.object.closed_ns); }};
  for (const auto peer : {&Channel::last_sender, &Channel::last_receiver}) {
    fields.push_back([peer](const Spec& s) { return (s.object.*peer).task; });
    fields.push_back([peer](const Spec& s) { return static_cast<Id>((s.object.*peer).at_ns); });
    fields.push_back([peer](const Spec& s) { return (s.object.*peer).left_context; });
    fields.push_back([peer](const Spec& s) { return (s.object.*peer).left_channel; });
  }
  AddColumns(dump, dump::PacketTag::kChannelBatch, rows, fields);
}

void AddRows(DumpBuilder& dump, const std::vector<ObjectSpec<Context>>& rows) {
  using Spec = ObjectSpec<Context>;
  const Fields<Spec> fields = {[](const Spec& s) { return s.like; },
                               [](const Spec& s) { return s.object.id; },
                               [](const Spec& s) { return s.object.parent; },
                               [](const Spec& s) { return s.object.creator_task; },
                               [](const Spec& s) { return static_cast<Id>(s.object.created_ns); },
                               [](const Spec& s) { return static_cast<Id>(s.object.deadline_ns); },
                               [](const Spec& s) { return static_cast<Id>(s.object.ended_ns); },
                               [](const Spec& s) { return s.object.ended_by_task; },
                               [](const Spec& s) { return s.object.ended_origin; },
                               [](const Spec& s) { return s.object.done_channel; }};
  AddColumns(dump, dump::PacketTag::kContextBatch, rows, fields);
}

void AddRows(DumpBuilder& dump, const std::vector<ObjectSpec<SpawnNode>>& rows) {
  using Spec = ObjectSpec<SpawnNode>;
  const Fields<Spec> fields = {
      [](const Spec& s) { return s.like; }, [](const Spec& s) { return s.object.id; },
      [](const Spec& s) { return s.object.task; }, [](const Spec& s) { return s.object.parent; }};
  AddColumns(dump, dump::PacketTag::kSpawnBatch, rows, fields);
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
  EXPECT_EQ(merged.summary.channels, each.summary.channels);
  EXPECT_EQ(merged.summary.contexts, each.summary.contexts);
  EXPECT_EQ(merged.summary.blocked, each.summary.blocked);
  EXPECT_EQ(merged.summary.stranded, each.summary.stranded);
  EXPECT_EQ(merged.summary.expected, each.summary.expected);
}

}  // namespace stranded::detector
