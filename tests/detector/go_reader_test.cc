// The reader of Go's text sees the same however the text comes: whole or in pieces, stacks it knows
// by their hash or reads line by line.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "detector/input/go_ids.h"
#include "detector/input/go_records.h"
#include "detector/input/go_text.h"

namespace stranded::detector {
namespace {

// Goroutines of a few kinds, in an order that repeats none of them at once.
std::string Text(int count) {
  std::string text = "log before\n";
  for (int i = 1; i <= count; ++i) {
    const int kind = i * 7 % 5;
    absl::StrAppend(&text, "goroutine ", i, kind == 0 ? " [chan send" : " [select (durable)",
                    i % 3 == 0 ? absl::StrCat(", ", i % 60 + 1, " minutes") : "",
                    kind == 1 ? ", locked to thread" : "", "]", kind == 2 ? " {job: \"a]:\"}" : "",
                    ":\n");
    absl::StrAppend(&text, "main.work", kind, "(0xc", i, ", {0x", i,
                    "?, 0x1})\n\t/src/main.go:", kind + 7, " +0x1",
                    i % 2 == 0 ? " fp=0xc1 sp=0xc2 pc=0xc3\n" : "\n");
    if (kind == 3)
      absl::StrAppend(&text, "...", 23, " frames elided...\n", "odd line ", kind, "\n");
    absl::StrAppend(&text, "created by main.start in goroutine ", i % 4 + 1,
                    "\n\t/src/main.go:3\n");
    if (kind == 4) {
      absl::StrAppend(
          &text, "[originating from goroutine ", i % 4 + 1,
          "]:\nmain.start(...)\n\t/src/main.go:3\ncreated by main.main\n\t/src/m.go:1\n");
    }
    absl::StrAppend(&text, "\n");
  }
  return text;
}

GoDumps Read(std::string_view text, std::size_t piece) {
  GoDumps dumps;
  GoTextReader reader(dumps, "test");
  for (; !text.empty(); text.remove_prefix(std::min(piece, text.size()))) {
    reader.Feed(text.substr(0, piece));
  }
  reader.Finish();
  return dumps;
}

std::vector<std::string> Groups(const GoDumps& dumps) {
  std::vector<std::string> out;
  for (const GoDump& dump : dumps.dumps) {
    for (const GoGroup& g : dump.groups) {
      std::string& text = out.emplace_back(
          absl::StrCat(g.count, " ", std::string(dumps.strings[g.state]), " from ", g.first_id,
                       " minutes ", g.least_minutes, "-", g.most_minutes, " elided ", g.elided,
                       g.locked_to_thread, " labels ", std::string(dumps.strings[g.labels]),
                       " creators ", g.creator_ids.size(), ":"));
      for (const std::uint32_t frame : g.frames) {
        absl::StrAppend(&text, " ", std::string(dumps.Function(frame)), ":",
                        dumps.frames[frame].line);
      }
    }
    out.push_back(absl::StrCat("dump of ", dump.count, ", records ", dump.goroutines.size()));
  }
  out.push_back(absl::StrCat("unknown ", dumps.unknown_lines));
  return out;
}

TEST(GoReader, TheSameInPieces) {
  const std::string text = Text(300);
  const std::vector<std::string> whole = Groups(Read(text, text.size()));
  ASSERT_GT(whole.size(), 5u);
  for (const std::size_t piece : {1u, 7u, 100u, 4096u}) {
    EXPECT_EQ(Groups(Read(text, piece)), whole) << piece;
  }
}

TEST(GoReader, KnownStacksCountAsThoseReadLineByLine) {
  const std::string text = Text(300);
  // Behind a prefix nothing is known by its hash.
  const std::string slow = absl::StrReplaceAll(text, {{"\n", "\npod-1 | "}});
  const GoDumps fast = Read(text, text.size());
  EXPECT_EQ(Groups(fast), Groups(Read(slow, slow.size())));
  EXPECT_EQ(fast.dumps.back().count, 300u);
  EXPECT_EQ(fast.unknown_lines, 60u);
}

TEST(GoReader, RecordsFollowTheStacksNotTheGoroutines) {
  const GoDumps dumps = Read(Text(60'000), 1 << 18);
  EXPECT_EQ(dumps.dumps.back().count, 60'000u);
  EXPECT_LT(dumps.dumps.back().goroutines.size(), 20'100u);
  EXPECT_LT(dumps.strings.size(), 100u);
}

TEST(GoReader, AnIdThatComesAgainBeginsADump) {
  const std::string text = Text(20);
  const GoDumps dumps = Read(text + text, 1000);
  ASSERT_EQ(dumps.dumps.size(), 2u);
  EXPECT_EQ(dumps.dumps[0].count, 20u);
  EXPECT_EQ(dumps.dumps[1].count, 20u);
}

TEST(GoRecord, TheHashLeavesOutWhatDiffers) {
  const std::string_view one =
      "goroutine 7 [chan send, 5 minutes]:\nmain.f(0x1, {0x2?, 0x3})\n\t/a.go:7 +0x1\n"
      "created by main.g in goroutine 1\n\t/a.go:3\n\n";
  const auto hash = [](std::string_view text) {
    GoRecord record;
    EXPECT_EQ(ScanGoRecord(text, record), GoScan::kWhole);
    EXPECT_EQ(record.size, text.size());
    return record.hash;
  };
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string text(one);
    const std::size_t at = text.find(from);
    EXPECT_NE(at, text.npos) << from;
    return hash(text.replace(at, from.size(), to));
  };
  EXPECT_EQ(with("goroutine 7", "goroutine 70"), hash(one));
  EXPECT_EQ(with(", 5 minutes", ""), hash(one));
  EXPECT_EQ(with("0x1, {0x2?, 0x3}", "..."), hash(one));
  EXPECT_EQ(with("in goroutine 1", "in goroutine 9"), hash(one));
  for (const auto& [from, to] : std::vector<std::pair<std::string, std::string>>{
           {"chan send", "chan receive"},
           {"main.f", "main.h"},
           {":7", ":8"},
           {"main.g", "main.f"},
           {":3", ":4"},
           {"minutes]", "minutes, locked to thread]"}}) {
    EXPECT_FALSE(with(from, to) == hash(one)) << from;
  }
}

TEST(GoIds, TellsWhatWasSeen) {
  GoIds ids;
  for (const std::uint64_t id : {0ull, 1ull, 511ull, 512ull, 1ull << 40}) {
    EXPECT_FALSE(ids.Contains(id));
    EXPECT_TRUE(ids.Insert(id));
    EXPECT_FALSE(ids.Insert(id));
    EXPECT_TRUE(ids.Contains(id));
  }
  EXPECT_FALSE(ids.Contains(2));
}

}  // namespace
}  // namespace stranded::detector
