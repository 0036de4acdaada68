// When a larger buffer is proposed, how large, and when it is refused.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/detector/dump_builder.h"

namespace stranded::detector {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

struct Facts {
  std::uint64_t started = 4, completed = 0, repeats = 0, length = 0, capacity = 0;
  bool tried = false, sized = false, noted = true;
  const char* type = "int";
};

Channel Made(Id id, SiteId at, const Facts& facts) {
  Channel channel;
  channel.id = id;
  channel.site = at;
  channel.elem_type = facts.type;
  channel.sends_started = facts.started;
  channel.sends_completed = facts.completed;
  channel.repeat_sends = facts.repeats;
  channel.capacity = facts.capacity;
  channel.length = facts.length;
  channel.observed_try = facts.tried;
  channel.observed_size = facts.sized;
  channel.waiting_senders = static_cast<std::uint32_t>(facts.started - facts.completed);
  if (facts.noted) {
    channel.last_sender.task = 10;
    channel.last_sender.site = at;
    channel.last_sender.outcome = PeerOutcome::kWaiting;
  }
  return channel;
}

Finding Stranded(const Facts& facts) {
  DumpBuilder dump;
  const SiteId made = dump.At("a.cc", 2), send = dump.At("a.cc", 4);
  dump.Add(Made(3, made, facts));
  for (Id id = 0; id < facts.started - facts.completed; ++id) dump.Add(Sender(10 + id, 3, send));
  return Only(Examine(dump.End()), "abandoned-send");
}

std::int64_t Proposed(const Finding& finding) {
  for (const Fix& fix : finding.fixes()) {
    if (fix.kind == FixKind::kRaiseCapacity) return fix.capacity;
  }
  return 0;
}

TEST(Capacity, IsTheNumberOfSendersWhenNobodyReceived) { EXPECT_EQ(Proposed(Stranded({})), 4); }

TEST(Capacity, CountsTheOneWhoseAnswerWasTaken) {
  const Finding f = Stranded({.started = 4, .completed = 1});
  EXPECT_EQ(Proposed(f), 4);
  EXPECT_THAT(AllText(f), HasSubstr("4 sends begun, 1 received, 3 never"));
}

TEST(Capacity, OfAStreamIsNoMoreThanWhatWasLeftAndComesWithAWarning) {
  const Finding f = Stranded({.started = 100, .completed = 98});
  EXPECT_EQ(Proposed(f), 2);
  EXPECT_THAT(AllText(f), HasSubstr("no buffer is large enough"));
}

// Under record=off nothing tells a task that sends again from one that sends once.
TEST(Capacity, IsNotProposedWhereSendersAreNotNoted) {
  const Finding f = Stranded({.completed = 1, .noted = false});
  EXPECT_EQ(Proposed(f), 0);
  EXPECT_THAT(AllText(f), HasSubstr("was not noted (record=off)"));
  EXPECT_EQ(Proposed(Stranded({.noted = false})), 4);  // none of them has sent before
}

TEST(Capacity, ValuesLeftInTheBufferCount) {
  EXPECT_EQ(Proposed(Stranded({.started = 5, .completed = 2, .length = 2, .capacity = 2})), 5);
}

TEST(Capacity, TheNeediestInstanceOfTheSiteDecides) {
  DumpBuilder dump;
  const SiteId made = dump.At("a.cc", 2), send = dump.At("a.cc", 4);
  dump.Add(Made(3, made, {.started = 1})).Add(Made(4, made, {.started = 2}));
  dump.Add(Sender(10, 3, send)).Add(Sender(11, 4, send)).Add(Sender(12, 4, send)).End();
  const Analysis analysis = Examine(dump);
  ASSERT_EQ(analysis.findings.size(), 1u);
  EXPECT_EQ(Proposed(analysis.findings[0]), 2);
  EXPECT_THAT(AllText(analysis.findings[0]), HasSubstr("2 channels made at this line"));
}

// Of two that are made at one place, as members of a class are, the other one sends again.
TEST(Capacity, OfAnotherChannelOfThePlaceDoesNotCount) {
  const auto proposed = [](const Facts& other, std::uint32_t sent_at) {
    DumpBuilder dump;
    const SiteId made = dump.At("a.cc", 2), send = dump.At("a.cc", 4);
    Channel neighbour = Made(4, made, other);
    neighbour.last_sender.site = dump.At("a.cc", sent_at);
    dump.Add(Made(3, made, {.started = 1})).Add(neighbour).Add(Sender(10, 3, send)).End();
    return Proposed(Only(Examine(dump), "abandoned-send"));
  };
  const Facts stream = {.started = 3, .completed = 3, .repeats = 2};
  EXPECT_EQ(proposed(stream, 4), 0);  // another object of the class
  EXPECT_EQ(proposed(stream, 5), 1);
  EXPECT_EQ(proposed({.started = 3, .completed = 3, .repeats = 2, .type = "char"}, 4), 1);
  EXPECT_EQ(proposed({.started = 3, .completed = 3, .repeats = 2, .capacity = 9}, 4), 1);
}

TEST(Capacity, IsRefusedWhereABufferChangesTheMeaning) {
  for (const Facts& facts : {Facts{.repeats = 3}, Facts{.tried = true}, Facts{.sized = true}}) {
    const Finding f = Stranded(facts);
    EXPECT_EQ(Proposed(f), 0);
    EXPECT_TRUE(HasFix(f, FixKind::kAddContextCase));
    EXPECT_THAT(AllText(f), HasSubstr("A larger buffer is not the answer"));
  }
}

// One send of each of two tasks went through, by turns: no count tells, but the history does.
TEST(Capacity, IsRefusedWhereTheHistoryShowsThatTheBlockedTaskHasSentBefore) {
  for (const Id sent : {Id{10}, Id{20}}) {
    DumpBuilder dump;
    const SiteId made = dump.At("a.cc", 2), send = dump.At("a.cc", 4);
    Event event;
    event.kind = 6;  // a send
    event.task = sent;
    event.object = 3;
    event.site = send;
    dump.Add(Made(3, made, {.started = 2, .completed = 1}));
    dump.Add(Sender(10, 3, send)).Add(std::vector<Event>{event});
    const Finding f = Only(Examine(dump.End()), "abandoned-send");
    EXPECT_EQ(HasFix(f, FixKind::kRaiseCapacity), sent != 10);
  }
}

TEST(Capacity, ARepliesChannelInTheValueIsWarnedOf) {
  EXPECT_THAT(AllText(Stranded({.type = "Request<stranded::Chan<int> >"})),
              HasSubstr("The value carries a channel"));
  EXPECT_THAT(AllText(Stranded({})), Not(HasSubstr("The value carries")));
}

TEST(Capacity, TheDiffEditsTheCreationLine) {
  const std::filesystem::path dir =
      std::filesystem::path(::testing::TempDir()) / "stranded_capacity_test";
  std::filesystem::create_directories(dir);
  std::ofstream(dir / "a.cc")
      << "void F() {\n  Chan<int> ch;\n  Go([&] {\n    ch.Send(1);\n  });\n}\n";
  DumpBuilder dump;
  const SiteId made = dump.At("a.cc", 2), send = dump.At("a.cc", 4);
  TaskSpec sender = Sender(10, 3, send);
  sender.task.spawn = 1;
  dump.Add(Spawned(1, 10, 0, dump.At("a.cc", 3)));
  dump.Add(Made(3, made, {.started = 1})).Add(sender).End();
  AnalysisOptions options;
  options.source_root = dir.string();
  const Finding f = Only(Examine(dump, options), "abandoned-send");
  ASSERT_GE(f.fixes().size(), 2u);
  EXPECT_EQ(f.fixes()[0].diff,
            "--- a/a.cc\n+++ b/a.cc\n@@ -1,5 +1,5 @@\n void F() {\n-  Chan<int> ch;\n+  Chan<int> "
            "ch(1);\n   Go([&] {\n     ch.Send(1);\n   });\n");
  EXPECT_THAT(f.fixes()[1].diff,
              HasSubstr("+    if (!ch.Send(stranded::this_task::GetContext(), 1)"));
  std::filesystem::remove_all(dir);
}

// A plain return must not jump over what others wait for, nor does one help that never comes.
TEST(ContextCase, NoDiffWhereAReturnWouldBeWrong) {
  const std::filesystem::path dir =
      std::filesystem::path(::testing::TempDir()) / "stranded_context_case_test";
  std::filesystem::create_directories(dir);
  std::ofstream(dir / "a.cc")
      << "void F() {\n  Go([=] {\n    ch.Send(1);\n    ch.Close();\n  });\n  Go([=] {\n"
         "    ch.Send(1);\n  });\n}\n";
  // The task is started in the line before, or somewhere else.
  const auto fix = [&](std::uint32_t line, ContextKind kind, bool own = true) {
    DumpBuilder dump;
    const SiteId made = dump.At("b.cc", 2), send = dump.At("a.cc", line);
    dump.Add(Spawned(1, 10, 0, dump.At(own ? "a.cc" : "b.cc", line - 1)));
    Context context;
    context.id = 5;
    context.kind = kind;
    TaskSpec sender = Sender(10, 3, send);
    sender.task.context = 5;
    sender.task.spawn = 1;
    dump.Add(context).Add(Made(3, made, {.started = 1})).Add(sender).End();
    AnalysisOptions options;
    options.source_root = dir.string();
    return Only(Examine(dump, options), "abandoned-send").fixes().back();
  };
  EXPECT_THAT(fix(7, ContextKind::kCancel).diff, HasSubstr("return;"));
  EXPECT_EQ(fix(7, ContextKind::kBackground).diff, "");
  EXPECT_EQ(fix(7, ContextKind::kCancel, false).diff, "");
  EXPECT_THAT(fix(7, ContextKind::kCancel, false).warnings,
              ::testing::Contains(HasSubstr("its callers must stop, too")));
  const Fix behind = fix(3, ContextKind::kCancel);
  EXPECT_EQ(behind.diff, "");
  EXPECT_THAT(behind.warnings, ::testing::Contains(HasSubstr("what stands at a.cc:4 is still")));
  std::filesystem::remove_all(dir);
}

}  // namespace
}  // namespace stranded::detector
