// Events that stay in their dump: memory does not follow them, and everything found in them is the
// same as with all of them decoded.
#include "detector/model/event_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <tuple>

#include "detector/rules/recent_map.h"
#include "stranded/dump_reader.h"
#include "stranded/report.h"
#include "tests/detector/dump_builder.h"

namespace stranded::detector {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Numbers of the dump format.
enum Kind : std::uint16_t {
  kSpawn = 1,
  kStart = 2,
  kPark = 4,
  kWake = 5,
  kSend = 6,
  kRecv = 7,
  kLock = 10,
  kUnlock = 11
};

Event Of(std::uint16_t kind, Id task, Id object, SiteId site, std::uint64_t arg = 0) {
  static std::int64_t now = 0;
  Event e;
  e.kind = kind;
  e.task = task;
  e.object = object;
  e.site = site;
  e.arg = arg;
  e.time_ns = now += 10;
  e.ring = 1;
  return e;
}

// Task 1 of a controlled world received once from task 2 and left; tasks 3 and 4 are stranded, and
// took two locks in opposite orders. Before it, another world and many events.
DumpBuilder Traced(std::size_t batches = 40) {
  DumpBuilder dump;
  World world = Quiet();
  world.controlled = true;
  world.main_task = 1;
  const SiteId made = dump.At("a.cc", 1), again = dump.At("a.cc", 1), sent = dump.At("a.cc", 2);
  const SiteId got = dump.At("a.cc", 3), one = dump.At("a.cc", 4), other = dump.At("a.cc", 5);
  Channel channel;
  channel.id = 3;
  channel.site = made;
  channel.sends_started = 3;
  channel.sends_completed = channel.recvs_started = channel.recvs_completed = 1;
  channel.waiting_senders = 2;
  channel.last_receiver = LastOn(1, got, PeerOutcome::kCompleted);
  channel.last_sender = LastOn(4, sent, PeerOutcome::kWaiting);
  dump.Add(world).Add(Ended(5, again)).Add(channel);
  for (const Id id : {3, 4}) {
    TaskSpec task = Sender(id, 3, sent);
    task.task.context = 5;
    dump.Add(task);
  }
  std::vector<Event> old;
  for (Id i = 0; i < 2000; ++i) {
    old.push_back(Of(kPark, 100 + i % 7, 0, again, 1));
    old.push_back(Of(kWake, 1, 0, 0, 100 + i % 5));
  }
  for (std::size_t i = 0; i < batches; ++i) dump.Add(old);
  dump.Add({Of(kStart, 1, 0, 0), Of(kSpawn, 1, 0, made, 2), Of(kSpawn, 1, 0, made, 3),
            Of(kSpawn, 1, 0, again, 4), Of(kStart, 2, 0, 0), Of(kSend, 2, 3, sent),
            Of(kRecv, 1, 3, got), Of(kLock, 2, 9, one), Of(kUnlock, 2, 9, one)});
  for (const Id task : {3, 4}) {
    const Id first = task == 3 ? 20 : 21, second = task == 3 ? 21 : 20;
    dump.Add({Of(kStart, task, 0, 0), Of(kLock, task, first, one), Of(kLock, task, second, other),
              Of(kUnlock, task, second, 0), Of(kUnlock, task, first, 0),
              Of(kPark, task, 0, sent, 1)});
  }
  dump.End();
  return dump;
}

std::shared_ptr<const Dump> Read(const std::string& bytes, EventStorage events) {
  auto dump = ReadDump(bytes, "trace", "", events);
  EXPECT_TRUE(dump.ok()) << dump.status();
  return dump.ok() ? *dump : std::make_shared<Dump>();
}

class InFile {
 public:
  explicit InFile(const std::string& bytes)
      : path_(::testing::TempDir() + "/events." + std::to_string(getpid()) + ".strd") {
    std::ofstream(path_, std::ios::binary) << bytes;
    auto dump = ReadDumpFile(path_, "", EventStorage::kEncoded);
    EXPECT_TRUE(dump.ok()) << dump.status();
    if (dump.ok()) dump_ = *dump;
  }
  ~InFile() { std::remove(path_.c_str()); }
  const std::shared_ptr<const Dump>& dump() const { return dump_; }
  const std::string& path() const { return path_; }

 private:
  const std::string path_;
  std::shared_ptr<const Dump> dump_ = std::make_shared<Dump>();
};

const EventLog& EventsOf(const Dump& dump) { return dump.snapshots.back().events; }

using Row = std::tuple<std::uint16_t, Id, Id, std::int64_t, std::uint64_t, SiteId, std::uint16_t>;
std::vector<Row> Rows(const EventLog& log, std::size_t first = 0) {
  std::vector<Row> rows;
  log.ForEach(
      [&](const Event& e) {
        rows.emplace_back(e.kind, e.task, e.object, e.time_ns, e.arg, e.site, e.ring);
      },
      first);
  return rows;
}

// Everything that asks for events: trace rules, fixes, reports.
std::string AllReports(const std::shared_ptr<const Dump>& dump) {
  Analysis analysis = Analyze(dump);
  return TextReport(analysis) + JsonReport(analysis) + HtmlReport(analysis) +
         PerfettoReport(analysis) + TreeReport(analysis) + TaskTable(analysis);
}

TEST(EncodedEvents, StayInTheFileHoweverManyThereAre) {
  for (const std::size_t batches : {1, 100}) {
    const InFile file(Traced(batches).bytes());
    EXPECT_EQ(EventsOf(*file.dump()).size(), batches * 4000 + 21);
    Analyze(file.dump());
    EXPECT_THAT(EventsOf(*file.dump()).kept(), IsEmpty());
    EXPECT_THAT(file.dump()->bytes, IsEmpty());
    EXPECT_LE(file.dump()->packets_kept.size(), 1000u);
  }
}

TEST(EncodedEvents, AreTheSameFromAnyOfThemOn) {
  const std::string bytes = Traced().bytes();
  const auto decoded = Read(bytes, EventStorage::kDecoded);
  const InFile file(bytes);
  ASSERT_EQ(EventsOf(*decoded).kept().size(), EventsOf(*decoded).size());
  const auto in_bytes = Read(bytes, EventStorage::kEncoded);
  for (const std::size_t first : {0u, 1u, 3999u, 4000u, 60'000u, 160'020u, 160'021u, 200'000u}) {
    const auto rows = Rows(EventsOf(*decoded), first);
    EXPECT_TRUE(rows == Rows(EventsOf(*file.dump()), first)) << first;
    EXPECT_TRUE(rows == Rows(EventsOf(*in_bytes), first)) << first;
  }
  std::size_t seen = 0;
  EventsOf(*file.dump()).ForEach([&](const Event&) { return ++seen < 5000; });
  EXPECT_EQ(seen, 5000u);
}

TEST(EncodedEvents, AllReportsAreTheSame) {
  const std::string bytes = Traced().bytes();
  const InFile file(bytes);
  const auto read = ReadDumpFile(file.path());  // of the same name: reports say it
  ASSERT_TRUE(read.ok());
  const std::shared_ptr<const Dump>& decoded = *read;
  ASSERT_EQ(EventsOf(*decoded).kept().size(), EventsOf(*decoded).size());
  const Analysis analysis = Analyze(file.dump());
  EXPECT_THAT(AllText(Only(analysis, "lock-order")), HasSubstr("and took lock 21 at a.cc:5"));
  EXPECT_THAT(AllText(Only(analysis, "cancelled-send")), HasSubstr("its task goes on at a.cc:4"));
  EXPECT_TRUE(AllReports(decoded) == AllReports(file.dump()));
}

TEST(EncodedEvents, DamageCostsTheSame) {
  const std::string whole = Traced(2).bytes();
  for (std::size_t at = 7; at < whole.size(); at += 997) {
    std::string bad = whole;
    bad[at] = static_cast<char>(bad[at] ^ 0x10);
    const auto decoded = Read(bad, EventStorage::kDecoded);
    const InFile file(bad);
    ASSERT_EQ(file.dump()->packets, decoded->packets) << at;
    ASSERT_EQ(file.dump()->damage.packets_bad, decoded->damage.packets_bad) << at;
    ASSERT_EQ(file.dump()->damage.bytes_skipped, decoded->damage.bytes_skipped) << at;
    ASSERT_EQ(file.dump()->damage.cut, decoded->damage.cut) << at;
    ASSERT_TRUE(Rows(EventsOf(*file.dump())) == Rows(EventsOf(*decoded))) << at;
  }
}

TEST(EncodedEvents, AFileThatBecomesShorterGivesWhatIsLeft) {
  const std::string bytes = Traced().bytes();
  const InFile file(bytes);
  ASSERT_EQ(truncate(file.path().c_str(), static_cast<off_t>(bytes.size() / 2)), 0);
  const auto left = Rows(EventsOf(*file.dump()));
  EXPECT_LT(left.size(), EventsOf(*file.dump()).size());
  EXPECT_GT(left.size(), 0u);
  Analyze(file.dump());
}

TEST(RecentMap, ForgetsWhatWasNotUsedForLong) {
  RecentMap<int, int> map(100);
  for (int i = 1; i <= 100'000; ++i) {
    map[i] = i;
    ASSERT_NE(map.Find(1), nullptr) << i;  // used all the time
  }
  EXPECT_LE(map.size(), 100u);
  EXPECT_EQ(*map.Find(1), 1);
  EXPECT_EQ(*map.Find(99'990), 99'990);
  EXPECT_EQ(map.Find(500), nullptr);
}

}  // namespace
}  // namespace stranded::detector
