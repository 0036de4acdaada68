// What the meeting of sender and receiver meant to others, from the history of an exploration.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

#include "stranded/explore.h"
#include "stranded/stranded.h"
#include "tests/detector/dump_builder.h"

namespace stranded {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

// All that the one finding says, its fixes with their warnings among it.
std::string Told(const std::function<void()>& body) {
  ExploreOptions options;
  options.schedules = 20;
  const ExploreResult result = Explore(options, body);
  if (result.clean()) return "nothing is stranded";
  return detector::AllText(result.bad()->report.findings().front());
}

std::string Line(std::uint32_t line) { return "meetings_test.cc:" + std::to_string(line); }

// Two rounds with a channel each; nobody comes to receive in the second.
template <class Sender, class Receiver>
void TwoRounds(Sender after_send, Receiver before_receive) {
  auto [ctx, cancel] = WithCancel(Background());
  for (const bool received : {true, false}) {
    const Chan<int> met;
    auto shared = std::make_shared<std::pair<Mutex, Chan<int>>>();
    shared->second = Chan<int>(4);
    Go(ctx, [met, shared, after_send] {
      met.Send(1);
      after_send(*shared);
    });
    if (!received) break;
    before_receive(*shared);
    met.Recv();
  }
  cancel();
}

TEST(Meetings, ACloseThatOnlyTheMeetingKeepsBehindASendRefusesTheBuffer) {
  const auto told = Told([] {
    TwoRounds([](auto& shared) { shared.second.Close(); },
              [](auto& shared) { shared.second.Send(1); });
  });
  EXPECT_THAT(told, AllOf(HasSubstr("A larger buffer is not the answer: the channel operation at"),
                          HasSubstr("only because the send waits for its receiver"),
                          Not(HasSubstr("Give the channel room"))));
}

TEST(Meetings, ValuesThatMayComeInAnotherOrderAreWarnedOf) {
  const std::uint32_t here = std::source_location::current().line();
  const auto told = Told([] {
    TwoRounds([](auto& shared) { shared.second.Send(2); },
              [](auto& shared) { shared.second.Send(1); });
  });
  EXPECT_THAT(told, AllOf(HasSubstr("Give the channel room for 1 value"), HasSubstr("The send at "),
                          HasSubstr(Line(here + 2)),
                          HasSubstr("with a buffer the other order is possible")));
}

TEST(Meetings, LocksThatMayBeTakenInAnotherOrderAreWarnedOf) {
  const auto use = [](auto& shared) {
    shared.first.Lock();
    shared.first.Unlock();
  };
  EXPECT_THAT(Told([&] { TwoRounds(use, use); }), HasSubstr("The lock is taken at "));
}

// The lock is taken by both, but the receiver takes it behind its receive: nothing orders the two.
TEST(Meetings, WhatTheMeetingDoesNotOrderIsNoMatter) {
  const auto told = Told([] {
    auto [ctx, cancel] = WithCancel(Background());
    auto lock = std::make_shared<Mutex>();
    const Chan<int> met;
    for (int i = 0; i < 2; ++i) {
      Go(ctx, [met, lock] {
        lock->Lock();
        lock->Unlock();
        met.Send(1);
      });
    }
    met.Recv();
    lock->Lock();
    lock->Unlock();
    cancel();
  });
  EXPECT_THAT(told,
              AllOf(HasSubstr("Give the channel room for 2 values"),
                    HasSubstr("Nothing else in the history of this run is ordered by the "
                              "meeting of sender and receiver"),
                    Not(HasSubstr("The lock is taken at")), Not(HasSubstr("its task goes on at"))));
}

TEST(Meetings, ASenderThatGoesOnVisiblyIsWarnedOf) {
  const auto told =
      Told([] { TwoRounds([](auto& shared) { shared.second.Send(2); }, [](auto&) {}); });
  EXPECT_THAT(told, AllOf(HasSubstr("After the send at "), HasSubstr("its task goes on at "),
                          HasSubstr("before anybody has received"),
                          Not(HasSubstr("the other order is possible"))));
}

TEST(Meetings, AChannelOfSeveralRoundsIsWarnedOf) {
  const auto told = Told([] {
    auto [ctx, cancel] = WithCancel(Background());
    const Chan<int> answers;
    for (int round = 0; round < 3; ++round) {
      Go(ctx, [answers, round] { answers.Send(round); });
      if (round < 2) answers.Recv();
    }
    cancel();
  });
  EXPECT_THAT(told, HasSubstr("The channel serves several rounds"));
}

TEST(Meetings, AChannelForEachRoundIsNone) {
  EXPECT_THAT(Told([] { TwoRounds([](auto&) {}, [](auto&) {}); }),
              AllOf(HasSubstr("Give the channel room"), Not(HasSubstr("several rounds"))));
}

// A buffer that is there already is only made larger: the edge goes from each receive to the send
// that takes its place.
TEST(Meetings, PlacesThatBecomeFreeOrderToo) {
  const auto told = Told([] {
    auto [ctx, cancel] = WithCancel(Background());
    const Chan<int> work(1), log(8);
    Go(ctx, [work, log] {
      work.Send(1);
      work.Send(2);
      log.Send(2);
    });
    Go(ctx, [work] { this_task::SleepFor(absl::Seconds(1)), work.Send(3); });
    Go(ctx, [work] { this_task::SleepFor(absl::Seconds(2)), work.Send(4); });
    log.Send(1);
    work.Recv();
    this_task::SleepFor(absl::Seconds(3));
    cancel();
  });
  EXPECT_THAT(told,
              HasSubstr("A larger buffer is not the answer: the same task sends more than once"));
}

}  // namespace
}  // namespace stranded
