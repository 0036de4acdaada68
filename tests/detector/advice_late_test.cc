// What is told of tasks that outlive their scope in a loop.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "stranded/stranded.h"
#include "tests/detector/advice_support.h"

namespace stranded {
namespace {

using absl::Milliseconds;
using testing::AllOf;
using testing::Each;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

// A join would wait for ever.
TEST(Advice, ALoopThatTicksIsToldByItsChannel) {
  std::uint32_t made = 0;
  const auto texts = Texts(Findings([&made] {
    const Ticker ticker(Milliseconds(10));
    made = Here() + 1;
    const Chan<Unit> quit;
    Go([ticker, quit] {
      for (bool on = true; on;) {
        Select(OnRecv(ticker.C(), [] {}), OnRecv(quit, [&] { on = false; }));
      }
    });
    this_task::SleepFor(Milliseconds(30));
  }));
  ASSERT_THAT(texts, Not(IsEmpty()));
  const std::string place = absl::StrCat("advice_late_test.cc:", made);
  EXPECT_THAT(texts, Each(AllOf(HasSubstr("case 1: receive from an unbuffered channel made at "),
                                HasSubstr(absl::StrCat(place,
                                                       ", to which nobody has sent and which "
                                                       "nobody has closed; then join it")),
                                Not(HasSubstr("or join it")))));
}

TEST(Advice, ALoopThatOnlyLooksNeedsToBeTold) {
  const auto texts = Texts(Findings([] {
    const auto flag = std::make_shared<std::atomic<bool>>(false);
    Go([flag] {
      while (!*flag) this_task::Yield();
    });
  }));
  ASSERT_THAT(texts, Not(IsEmpty()));
  EXPECT_THAT(texts, Each(AllOf(HasSubstr("if it ends by itself"),
                                HasSubstr("by a context that is cancelled, or a channel"))));
}

}  // namespace
}  // namespace stranded
