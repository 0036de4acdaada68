// Files that are whole, cut, damaged, hostile, foreign, newer.
#include "stranded/dump_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>
#include <protozero/pbf_writer.hpp>

#include "stranded/dump_format.h"
#include "tests/detector/dump_builder.h"

namespace stranded::detector {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr Id kTasks = 6;

DumpBuilder Sample() {
  DumpBuilder dump;
  const SiteId at = dump.At("a.cc", 5);
  Channel channel;
  channel.id = 3;
  channel.site = at;
  channel.elem_type = "int";
  dump.Add(Ended(5, at)).Add(channel);
  for (Id id = 1; id <= kTasks; ++id) {
    TaskSpec task = Sender(id + 10, 3, at);
    task.task.name = "sender";
    task.task.context = 5;
    task.frames = {0x1000, 0x2000};
    dump.Add(task);
  }
  dump.End();
  return dump;
}

std::shared_ptr<const Dump> Read(std::string bytes) {
  auto dump = ReadDump(std::move(bytes), "sample");
  EXPECT_TRUE(dump.ok()) << dump.status();
  return dump.ok() ? *dump : std::make_shared<Dump>();
}

TEST(ReadDump, KeepsWhatWasWritten) {
  const auto dump = Read(Sample().bytes());
  ASSERT_EQ(dump->snapshots.size(), 1u);
  const Snapshot& s = dump->snapshots[0];
  EXPECT_TRUE(s.complete);
  EXPECT_FALSE(dump->damage.cut);
  EXPECT_EQ(dump->damage.bytes_skipped, 0u);
  EXPECT_EQ(s.tasks.size(), kTasks);
  const Task* task = s.tasks.Find(12);
  ASSERT_NE(task, nullptr);
  EXPECT_EQ(task->name, "sender");
  EXPECT_EQ(task->wait, WaitKind::kChanSend);
  EXPECT_EQ(task->frame_count, 2u);
  ASSERT_EQ(task->case_count, 1u);
  EXPECT_EQ(s.cases[task->first_case].channel, 3u);
  EXPECT_EQ(dump->SiteOf(task->wait_site).file, "a.cc");
}

TEST(ReadDump, NamesHaveNoControlCharacters) {
  DumpBuilder dump;
  const SiteId at = dump.At("a\x1b[31m.cc", 5, "f\r()");
  Context context = Ended(5, at);
  context.value_text = "one\ntwo";
  TaskSpec task = Sender(11, 3, at);
  task.task.name = "a\x1b[0mb\nc\td\xC2\x9B\xC3\xA4\x7f";
  dump.Add(context).Add(task).End();
  const auto read = Read(dump.bytes());
  const Snapshot& s = read->snapshots[0];
  EXPECT_EQ(s.tasks.Find(11)->name, "a\\x1b[0mb\\nc\\td\\x9b\xC3\xA4\\x7f");
  EXPECT_EQ(s.contexts.Find(5)->value_text, "one\\ntwo");
  EXPECT_EQ(read->SiteOf(at).file, "a\\x1b[31m.cc");
  EXPECT_EQ(read->SiteOf(at).function, "f\\x0d()");
}

TEST(ReadDump, SeveralSnapshotsStayApartAndTheLastIsAnalysed) {
  DumpBuilder dump = Sample();
  dump.Begin("exit").Add(Quiet()).End();
  const auto read = Read(dump.bytes());
  ASSERT_EQ(read->snapshots.size(), 2u);
  EXPECT_EQ(read->snapshots[0].tasks.size(), kTasks);
  EXPECT_EQ(Rules(Analyze(read)), "");
}

TEST(ReadDump, CutAnywhereItStillReadsWhatIsWhole) {
  const std::string whole = Sample().bytes();
  std::size_t last = 0;
  for (std::size_t size = 1; size < whole.size(); ++size) {
    const auto dump = ReadDump(whole.substr(0, size), "cut");
    if (!dump.ok()) {
      EXPECT_EQ(last, 0u) << "at " << size;
      continue;
    }
    EXPECT_TRUE((*dump)->damage.cut) << "at " << size;
    const std::size_t tasks =
        (*dump)->snapshots.empty() ? 0 : (*dump)->snapshots.back().tasks.size();
    EXPECT_GE(tasks, last) << "at " << size;
    last = tasks;
    Analyze(*dump);
  }
  EXPECT_EQ(last, kTasks);
}

TEST(ReadDump, AFlippedBitCostsOnePacketOnly) {
  const std::string whole = Sample().bytes();
  const auto packets = Read(whole)->packets;
  for (std::size_t at = 0; at < whole.size(); ++at) {
    std::string bad = whole;
    bad[at] = static_cast<char>(bad[at] ^ 0x10);
    const auto dump = ReadDump(bad, "bad");
    ASSERT_TRUE(dump.ok()) << "at " << at << ": " << dump.status();
    EXPECT_EQ((*dump)->packets, packets - 1) << "at " << at;
    EXPECT_GT((*dump)->damage.bytes_skipped, 0u) << "at " << at;
    Analyze(*dump);
  }
}

TEST(ReadDump, RubbishBetweenPacketsIsSkippedAndCounted) {
  const std::string whole = Sample().bytes();
  const auto dump = Read("rubbish" + whole + std::string(300, '\x0a'));
  EXPECT_EQ(dump->snapshots.back().tasks.size(), kTasks);
  EXPECT_EQ(dump->damage.bytes_skipped, 307u);
}

TEST(ReadDump, LossesStandInTheSummary) {
  std::string bytes = Sample().bytes();
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
  const Analysis analysis = Analyze(Read(bytes));
  ASSERT_GE(analysis.summary.losses.size(), 2u);
  EXPECT_THAT(analysis.summary.losses[0], HasSubstr("damaged packet"));
}

std::string Refused(std::string bytes) {
  const auto dump = ReadDump(std::move(bytes), "some.file");
  EXPECT_FALSE(dump.ok());
  return dump.ok() ? "" : std::string(dump.status().message());
}

TEST(ReadDump, EmptyAndForeignFilesAreNamed) {
  EXPECT_THAT(Refused(""), AllOf(HasSubstr("'some.file'"), HasSubstr("is empty")));
  EXPECT_THAT(Refused("#!/bin/sh\necho no dump\n"),
              AllOf(HasSubstr("'some.file'"), HasSubstr("is not a Stranded dump")));
  EXPECT_THAT(Refused(std::string(100000, '\x0a')), HasSubstr("is not a Stranded dump"));
}

TEST(ReadDump, ANewerMajorVersionIsRefusedWithItsNumber) {
  EXPECT_THAT(Refused(DumpBuilder(7).bytes()),
              AllOf(HasSubstr("version 7."), HasSubstr("up to version 1.x")));
}

TEST(ReadDump, PacketsOfANewerMinorVersionArePassedOver) {
  std::string unknown;
  protozero::pbf_writer(unknown).add_string(99, "later");
  DumpBuilder dump = Sample();
  const auto read = Read(dump.Raw(unknown).bytes());
  EXPECT_EQ(read->snapshots[0].tasks.size(), kTasks);
  EXPECT_EQ(read->damage.packets_bad, 0u);
}

TEST(ReadDump, CircularChainsEnd) {
  DumpBuilder dump;
  Context a, b;
  a.id = b.parent = 5;
  b.id = a.parent = 6;
  a.kind = b.kind = ContextKind::kValue;
  TaskSpec task = Waiter(7, WaitKind::kChanRecvNil, 0, 0);
  task.task.context = 5;
  task.task.spawn = 70;
  task.task.scope = 4;
  Scope scope;
  scope.id = scope.parent = 4;
  dump.Add(a).Add(b).Add(task).Add(Spawned(70, 7, 71)).Add(Spawned(71, 8, 70)).Add(scope).End();
  const Finding f = Only(Examine(dump), "nil-channel");
  EXPECT_LE(f.data().contexts.size(), 64u);
  EXPECT_LE(f.data().ancestry.size(), 64u);
}

TEST(ReadDump, SmallPacketsCannotMakeALargeModel) {
  DumpBuilder dump = DumpBuilder::Bare();
  dump.Header(1);
  std::string begin;
  protozero::pbf_writer(begin).add_message(3, std::string());
  for (int i = 0; i < 20000; ++i) dump.Raw(begin);
  const auto read = Read(dump.bytes());
  const std::size_t bound = 16 * dump.bytes().size() + (1 << 20);
  EXPECT_LE(read->snapshots.size() * sizeof(Snapshot), bound);
  EXPECT_GT(read->damage.packets_bad, 0u);
}

// It may have packets that this program does not know.
TEST(ReadDump, OfANewerMinorVersionTheReportSaysSo) {
  for (const std::uint32_t more : {0u, 1u}) {
    std::string header, packet;
    protozero::pbf_writer fields(header);
    fields.add_uint32(1, stranded::dump::kVersionMajor);
    fields.add_uint32(2, stranded::dump::kVersionMinor + more);
    protozero::pbf_writer(packet).add_message(2, header);
    DumpBuilder dump = DumpBuilder::Bare();
    dump.Raw(packet).Begin().Add(Quiet()).End();
    const Analysis analysis = Analyze(Read(dump.bytes()), {});
    EXPECT_EQ(analysis.summary.losses.size(), more);
    EXPECT_FALSE(analysis.summary.partly_lost);
  }
}

TEST(ReadDump, AWrongLengthInsideAPacketIsCounted) {
  DumpBuilder dump = Sample();
  dump.Raw("\x42\x7f\x08");  // a task that claims 127 bytes
  const auto read = Read(dump.bytes());
  EXPECT_EQ(read->damage.packets_bad, 1u);
  EXPECT_EQ(read->snapshots[0].tasks.size(), kTasks);
}

TEST(ReadDumpFile, MissingFilesAndDirectoriesAreNamed) {
  const auto missing = ReadDumpFile("/nonexistent/dump");
  EXPECT_EQ(missing.status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(missing.status().message()), HasSubstr("'/nonexistent/dump'"));
  EXPECT_FALSE(ReadDumpFile("/").ok());
}

TEST(ReadDumpFile, ReadsAFile) {
  const std::string path = ::testing::TempDir() + "/sample.strd";
  std::ofstream(path, std::ios::binary) << Sample().bytes();
  const auto dump = ReadDumpFile(path);
  ASSERT_TRUE(dump.ok());
  EXPECT_EQ((*dump)->source, path);
  std::remove(path.c_str());
}

}  // namespace
}  // namespace stranded::detector
