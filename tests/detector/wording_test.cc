// Places in the C++ library, and how types, times and numbers are written.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_join.h"
#include "detector/report/portable.h"
#include "detector/rules/rule.h"
#include "stranded/report.h"
#include "tests/detector/dump_builder.h"
#include "tests/detector/object_specs.h"

namespace stranded::detector {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

constexpr char kMakeShared[] = "/usr/include/c++/12/bits/stl_construct.h";

// A channel that main got from make_shared, and one of another type.
Finding MadeByTheLibrary() {
  DumpBuilder dump;
  const SiteId made = dump.At(kMakeShared, 119, "std::construct_at()");
  Channel channel, other;
  channel.id = 3;
  channel.site = other.site = made;
  channel.elem_type = "int";
  channel.creator_task = 1;
  channel.sends_started = channel.waiting_senders = 2;
  other.id = 4;
  other.elem_type = "long";
  other.sends_started = 70;
  const SiteId send = dump.At("a.cc", 4);
  dump.Add(channel).Add(other).Add(Sender(7, 3, send)).Add(Sender(8, 3, send));
  TaskSpec main = InState(1, TaskState::kRunning);
  main.task.name = "main";
  main.task.is_main = true;
  return Only(Examine(dump.Add(main).End()), "abandoned-send");
}

TEST(SourceSite, AMemberLiesWhereItsClassIsConstructed) {
  const auto of = [](const char* function) {
    return std::string(SourceSite{"a.cc", function, 8, 0}.ConstructorOf());
  };
  EXPECT_EQ(of("Client::Client()"), "Client");
  EXPECT_EQ(of("net::Client::Client(int)"), "Client");
  EXPECT_EQ(of("Pool<T>::Pool() [with T = int]"), "Pool");
  EXPECT_EQ(of("void Client::Call()"), "");
  EXPECT_EQ(of("int main()"), "");
  EXPECT_EQ(of("main()::<lambda()>"), "");
  EXPECT_EQ(of(""), "");
}

TEST(LibraryPlaces, AreNamedForWhatTheyAreWithWhoAskedForThem) {
  const std::string text = TextFinding(MadeByTheLibrary());
  EXPECT_THAT(text, HasSubstr("channel   made at a place inside make_shared or the like by task 1 "
                              "\"main\": Chan<int>"));
  const std::string advice = "std::source_location::current()";
  EXPECT_EQ(text.find(advice), text.rfind(advice)) << text;  // once
  EXPECT_THAT(text, HasSubstr("tells its own place if it is given " + advice));
  EXPECT_THAT(text, Not(HasSubstr("stl_construct.h")));
  const SourceSite guard{"/usr/include/c++/12/bits/std_mutex.h", "lock", 229, 1};
  EXPECT_EQ(guard.ToString(), "a place inside the C++ library (std_mutex.h:229)");
}

TEST(LibraryPlaces, AGuardIsAdvisedThatTellsWhereItStands) {
  const auto notes_with_lock_at = [](const char* file) {
    DumpBuilder dump;
    const SiteId send = dump.At("a.cc", 5), lock = dump.At(file, 229);
    dump.Add(Lock(2, 7, lock)).Add(Unbuffered(3, send));
    dump.Add(Sender(7, 3, send)).Add(Waiter(8, WaitKind::kMutexLock, 2, lock)).End();
    return absl::StrJoin(Only(Examine(dump), "lock-chan-cycle").data().notes, "\n");
  };
  const auto advice = HasSubstr("stranded::MutexLock");
  EXPECT_THAT(notes_with_lock_at("/usr/include/c++/12/bits/std_mutex.h"), advice);
  EXPECT_THAT(notes_with_lock_at("a.cc"), Not(advice));
}

TEST(LibraryPlaces, AreNeverEditedNorPatched) {
  const Finding f = MadeByTheLibrary();
  ASSERT_TRUE(HasFix(f, FixKind::kRaiseCapacity));
  EXPECT_EQ(f.fixes()[0].capacity, 2);  // the other channel of the same place does not count
  for (const auto* fixes : {&f.data().fixes, &f.data().candidates}) {
    for (const Fix& fix : *fixes) {
      EXPECT_FALSE(fix.site.in_library());
      EXPECT_THAT(fix.patch, Not(HasSubstr("c++")));
      if (fix.kind == FixKind::kRaiseCapacity) {
        EXPECT_THAT(fix.diff, IsEmpty());
      }
    }
  }
}

TEST(LibraryPlaces, StayWhatTheyAreInReportsThatNameNoFolders) {
  Analysis analysis;
  analysis.findings.push_back(MadeByTheLibrary());
  const FindingData portable = PortableFindings(analysis).at(0);
  EXPECT_TRUE(portable.channel.site.in_library());
  EXPECT_THAT(portable.channel.site.file, StartsWith("include/c++/"));
}

TEST(Words, ShortTypesAndTimes) {
  EXPECT_EQ(TypeText("absl::debian3::StatusOr<absl::lts_20220623::Time>"),
            "absl::StatusOr<absl::Time>");
  EXPECT_EQ(TypeText("absl::debianish::X"), "absl::debianish::X");
  EXPECT_EQ(Ago(0), "just now");
  EXPECT_EQ(Ago(25'000'000), "25ms ago");
}

TEST(Words, OneIsNotMany) {
  DumpBuilder dump;
  Loss loss;
  loss.stacks_missing = 1;
  loss.events_lost = 2;
  EXPECT_THAT(
      Examine(dump.Add(Busy()).Add(loss).End()).summary.losses,
      ::testing::ElementsAre("1 stack could not be read", "2 records of events were overwritten"));
}

}  // namespace
}  // namespace stranded::detector
