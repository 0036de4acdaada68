// Trace files: whole, torn, cut, hostile, newer; and what is not claimed of them.
#include "detector/input/mapped_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "stranded/analysis.h"
#include "stranded/dump_reader.h"
#include "stranded/report.h"
#include "tests/detector/mapped_builder.h"

namespace stranded::detector {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr std::uint8_t kWaitsToSend = 1, kWaitsInSelect = 5, kWaitsForMutex = 8;
constexpr std::uint64_t kCaseSend = 2, kCaseDone = 3;

// A sender on an unbuffered channel whose context was cancelled.
MappedBuilder MappedSender() {
  MappedBuilder file;
  const std::uint64_t site = file.At("a.cc", 5);
  mapped::Task& task = file.Parked(7, kWaitsToSend, site);
  task.context = 3;
  MappedBuilder::Offer(task, kCaseSend, 4);
  mapped::Context context;
  context.state = mapped::kLive;
  context.kind = 3;
  context.err = 1;
  context.id = context.ended_origin = 3;
  context.site = context.ended_site = site;
  context.ended_ns = MappedBuilder::kStart + 2 * MappedBuilder::kSecond;
  file.contexts.push_back(context);
  mapped::Channel channel;
  channel.state = mapped::kLive;
  channel.id = 4;
  channel.site = site;
  channel.type = file.Type("int");
  file.channels.push_back(channel);
  return file;
}

Analysis AnalysisOf(const MappedBuilder& file) {
  auto dump = ReadDump(file.bytes(), "trace");
  EXPECT_TRUE(dump.ok()) << dump.status();
  AnalysisOptions options;
  options.symbolize = false;
  return dump.ok() ? Analyze(*dump, options) : Analysis();
}

TEST(MappedFile, SaysWhoIsBlockedOnWhat) {
  const Analysis analysis = AnalysisOf(MappedSender());
  ASSERT_THAT(analysis.findings, SizeIs(1));
  const FindingData& f = analysis.findings[0].data();
  EXPECT_EQ(f.rule, "cancelled-send");
  EXPECT_EQ(f.verdict, "cancelled");
  EXPECT_EQ(f.wait_site.ToString(), "a.cc:5");
  EXPECT_EQ(f.channel.elem_type, "int");
  EXPECT_THAT(TextReport(analysis, {}),
              HasSubstr("recovered from the trace file of a process that was killed"));
}

TEST(MappedFile, AWokenTaskIsNotBlocked) {
  MappedBuilder file = MappedSender();
  file.tasks[0].woken = file.tasks[0].parks;
  const Analysis analysis = AnalysisOf(file);
  EXPECT_THAT(analysis.findings, IsEmpty());
  EXPECT_EQ(analysis.summary.blocked, 0u);
}

TEST(MappedFile, NothingIsSaidOfTornRecords) {
  for (int torn = 0; torn < 3; ++torn) {
    SCOPED_TRACE(torn);
    MappedBuilder file = MappedSender();
    if (torn == 0) file.tasks[0].seq = 3;
    if (torn == 1) file.contexts[0].seq = 3;
    if (torn == 2) file.channels[0].seq = 3;
    const Analysis analysis = AnalysisOf(file);
    EXPECT_THAT(analysis.findings, IsEmpty());
    EXPECT_EQ(analysis.summary.tasks, 1u);
    EXPECT_FALSE(analysis.summary.partly_lost);
  }
}

TEST(MappedFile, WhatBlockedALittleAgoIsLookedAtLater) {
  MappedBuilder file = MappedSender();
  file.header.alive_ns = file.contexts[0].ended_ns + MappedBuilder::kSecond / 2;
  const Analysis analysis = AnalysisOf(file);
  EXPECT_THAT(analysis.findings, IsEmpty());
  EXPECT_EQ(analysis.look_again, 1u);
}

TEST(MappedFile, VirtualTimeHasNoAge) {
  MappedBuilder file = MappedSender();
  file.tasks[0].flags = mapped::kVirtualTime;
  file.tasks[0].since_ns = file.contexts[0].ended_ns = 946'684'800 * MappedBuilder::kSecond;
  EXPECT_THAT(AnalysisOf(file).findings, IsEmpty());
}

TEST(MappedFile, ASelectThatIsNotWhollyListedMayEnd) {
  MappedBuilder file = MappedSender();
  mapped::Task& task = file.tasks[0];
  task.wait = kWaitsInSelect;
  task.cases = mapped::kMostCases + 1;
  task.context = 0;
  for (mapped::Case& c : task.offers) c = {kCaseSend << mapped::kKindShift, task.wait_site};
  const Analysis analysis = AnalysisOf(file);
  EXPECT_THAT(analysis.findings, IsEmpty());  // all listed channels are nil
  EXPECT_EQ(analysis.summary.blocked, 1u);
}

TEST(MappedFile, ADoneCaseWhoseContextIsUnknownMayEnd) {
  MappedBuilder file;
  mapped::Task& task = file.Parked(7, kWaitsInSelect, file.At("a.cc", 5));
  MappedBuilder::Offer(task, kCaseDone, 99);
  EXPECT_THAT(AnalysisOf(file).findings, IsEmpty());
}

TEST(MappedFile, FindsACycleOfLocks) {
  MappedBuilder file;
  const std::uint64_t site = file.At("a.cc", 5);
  for (std::uint64_t i = 0; i < 2; ++i) {
    file.Parked(7 + i, kWaitsForMutex, site).object = 20 + i;
    mapped::Sync sync;
    sync.state = mapped::kLive;
    sync.kind = 1;
    sync.id = 20 + i;
    sync.site = sync.holder_site = site;
    sync.holder = 8 - i;
    file.syncs.push_back(sync);
  }
  const Analysis analysis = AnalysisOf(file);
  ASSERT_THAT(analysis.findings, SizeIs(1));
  EXPECT_EQ(analysis.findings[0].rule(), "lock-cycle");
}

TEST(MappedFile, TheRingKeepsTheNewestAndCountsTheLost) {
  MappedBuilder file;
  const std::uint64_t site = file.At("a.cc", 5);
  constexpr std::uint64_t kSlots = 8, kEver = 20;
  file.events.resize(kSlots);
  for (std::uint64_t n = 0; n < kEver; ++n) {
    file.events[n % kSlots] = {std::uint64_t{6} << mapped::kKindShift | 7, n, site, 3 * n};
  }
  file.recorded = kEver;
  const auto dump = ReadDump(file.bytes(), "trace");
  ASSERT_TRUE(dump.ok());
  const Snapshot& snap = (*dump)->snapshots.back();
  // Some slots may be half written at any moment.
  ASSERT_THAT(snap.events.kept(), SizeIs(kSlots - mapped::kMostAtOnce));
  EXPECT_EQ(snap.events.kept().back().object, kEver - 1);
  EXPECT_EQ(snap.events.kept().back().arg, 3 * (kEver - 1));  // so many more like it
  EXPECT_EQ(snap.loss.events_lost, kEver - kSlots + mapped::kMostAtOnce);
}

TEST(MappedFile, AnAbsurdCountOfEventsIsReadAsOneRound) {
  MappedBuilder file;
  const std::uint64_t site = file.At("a.cc", 5);
  constexpr std::uint64_t kSlots = 8;
  file.events.assign(kSlots, {std::uint64_t{6} << mapped::kKindShift | 7, 1, site, 0});
  for (std::uint64_t below = 0; below < 6; ++below) {
    file.recorded = std::uint64_t{0} - 1 - below;
    const auto dump = ReadDump(file.bytes(), "trace");
    ASSERT_TRUE(dump.ok());
    EXPECT_THAT((*dump)->snapshots.back().events.kept(), SizeIs(kSlots - mapped::kMostAtOnce));
  }
}

TEST(MappedFile, ACutFileIsReadAsFarAsItGoes) {
  const std::string whole = MappedSender().bytes();
  for (std::size_t size = 8; size < whole.size(); size += 61) {
    const auto dump = ReadDump(whole.substr(0, size), "trace");
    if (size < mapped::kHeaderBytes) {
      EXPECT_THAT(std::string(dump.status().message()), HasSubstr("cut off within its head"));
    } else {
      ASSERT_TRUE(dump.ok()) << dump.status();
      EXPECT_TRUE((*dump)->damage.cut);
    }
  }
}

TEST(MappedFile, AnotherVersionIsRefused) {
  MappedBuilder file = MappedSender();
  for (const std::uint32_t other : {mapped::kVersion - 1, mapped::kVersion + 1}) {
    file.header.version = other;
    const auto dump = ReadDump(file.bytes(), "trace");
    EXPECT_EQ(dump.status().code(), absl::StatusCode::kUnimplemented);
    EXPECT_THAT(std::string(dump.status().message()),
                HasSubstr("version " + std::to_string(other)));
  }
}

TEST(MappedFile, ATaskHasANameOrNone) {
  MappedBuilder file;
  const std::uint64_t site = file.At("a.cc", 5);
  file.Parked(7, 1, site);
  file.Parked(8, 1, site).flags |= mapped::kNameless;
  const auto dump = ReadDump(file.bytes(), "trace");
  ASSERT_TRUE(dump.ok());
  const auto& tasks = (*dump)->snapshots.back().tasks;
  EXPECT_EQ(tasks.Find(7)->name, "waiter");
  EXPECT_EQ(tasks.Find(8)->name, "");
}

}  // namespace
}  // namespace stranded::detector
