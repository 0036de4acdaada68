// The first line of a report: of a program that died, and of a dump of which a part is lost.
#include "detector/report/outcome.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "stranded/dump_reader.h"
#include "stranded/report.h"
#include "tests/detector/dump_builder.h"

namespace stranded::detector {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

DumpBuilder Begun(std::string_view reason) {
  DumpBuilder dump = DumpBuilder::Bare();
  dump.Header(1).Begin(reason).Add(Busy()).Add(InState(1, TaskState::kRunning));
  return dump;
}

Analysis Cut(const DumpBuilder& dump) {
  auto read = ReadDump(dump.bytes(), "test");
  EXPECT_TRUE(read.ok()) << read.status();
  return Analyze(*read, {});
}

TEST(Outcome, OfAProgramThatDiedIsNotThatAllIsWell) {
  const Analysis died = Examine(Begun("fatal SIGABRT").End());
  const std::string words = "nothing was stranded when the program died of SIGABRT";
  EXPECT_THAT(TextReport(died), StartsWith("stranded: " + words + " (1 task alive"));
  EXPECT_THAT(TextReport(died, {.color = true}), Not(HasSubstr("\033[32m")));
  EXPECT_THAT(MarkdownReport(died), StartsWith("## Stranded: " + words));
  EXPECT_THAT(JunitReport(died), HasSubstr("name=\"" + words + "\""));
  EXPECT_THAT(HtmlReport(died), Not(HasSubstr("There is nothing to fix")));
  const Analysis well = Examine(Begun("exit").End());
  EXPECT_THAT(TextReport(well), StartsWith("stranded: nothing is stranded (1 task alive"));
}

// Of a program that has died nobody can look again.
TEST(Outcome, TasksThatAreTooYoungToBeJudged) {
  Analysis alive = Examine(Begun("exit").End());
  EXPECT_EQ(LookAgain(alive), "");
  alive.look_again = 1;
  EXPECT_EQ(LookAgain(alive), "1 task may just be slow: look again later");
  Analysis died = Examine(Begun("fatal SIGSEGV").End());
  died.look_again = 2;
  for (const std::string& report : {TextReport(died), MarkdownReport(died), HtmlReport(died)}) {
    EXPECT_THAT(report, HasSubstr("2 tasks may just have been slow when it died"));
  }
}

TEST(Outcome, WithFindingsSaysThatTheProgramDied) {
  DumpBuilder dump = Begun("fatal SIGSEGV");
  dump.Add(Waiter(7, WaitKind::kChanSendNil, 0, dump.At("a.cc", 5))).End();
  EXPECT_THAT(TextReport(Examine(dump)), HasSubstr(" when the program died of SIGSEGV ("));
}

TEST(Outcome, OfMainAloneInADeadEnd) {
  DumpBuilder dump = DumpBuilder::Bare();
  World world = Quiet();
  world.deadlock = true;
  dump.Header(1).Begin("deadlock").Add(world);
  Channel channel;
  channel.id = 3;
  TaskSpec main = Receiver(1, 3, dump.At("a.cc", 5));
  main.task.is_main = true;
  dump.Add(channel).Add(main).End();
  EXPECT_THAT(TextReport(Examine(dump)),
              StartsWith("stranded: 1 finding, a dead end (1 task alive, 1 blocked"));
}

TEST(Outcome, OfAPartIsNotSaidOfTheWhole) {
  EXPECT_THAT(TextReport(Cut(Begun("exit"))),
              StartsWith("stranded: no finding in what could be read (1 task alive"));
  EXPECT_THAT(TextReport(Cut(Begun("fatal SIGBUS"))),
              StartsWith("stranded: no finding in what could be read; the program died of SIGBUS"));
}

}  // namespace
}  // namespace stranded::detector
