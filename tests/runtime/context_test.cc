// Contexts: what Go's context package promises.
#include "stranded/context.h"

#include <gtest/gtest.h>

#include <atomic>
#include <optional>
#include <string>
#include <vector>

#include "stranded/gtest.h"
#include "stranded/internal/check_support.h"
#include "stranded/sync.h"
#include "stranded/task.h"
#include "stranded/time.h"

namespace stranded {
namespace {

struct TraceId {
  using Value = std::string;
};
struct UserId {
  using Value = std::string;
};

bool Ended(const Context& ctx) { return ctx.Done().TryRecv().closed(); }

TEST(Context, BackgroundNeverEnds) {
  EXPECT_TRUE(Background().Done().IsNil());
  EXPECT_TRUE(TODO().Done().IsNil());
  EXPECT_TRUE(Background().Err().ok());
  EXPECT_EQ(Background().Deadline(), std::nullopt);
  EXPECT_EQ(Context(), Background());
}

TEST(Context, CancelGoesDownOnly) {
  auto [root, cancel_root] = WithCancel(Background());
  auto [left, cancel_left] = WithCancel(root);
  auto [right, cancel_right] = WithCancel(root);
  auto [leaf, cancel_leaf] = WithCancel(WithValue<TraceId>(left, "x"));
  cancel_left();
  EXPECT_TRUE(Ended(left));
  EXPECT_TRUE(Ended(leaf));
  EXPECT_TRUE(absl::IsCancelled(leaf.Err()));
  EXPECT_FALSE(Ended(root));
  EXPECT_FALSE(Ended(right));
  cancel_root();
  EXPECT_TRUE(Ended(right));
  cancel_right();
  cancel_leaf();
}

TEST(Context, CancelIsIdempotentAndSafeFromManyTasks) {
  auto [ctx, cancel] = WithCancelCause(Background());
  WaitGroup wg;
  for (int i = 0; i < 8; ++i) {
    wg.Go([cancel = cancel, i] { cancel(absl::AbortedError(std::to_string(i))); });
  }
  wg.Wait();
  EXPECT_TRUE(absl::IsCancelled(ctx.Err()));
  EXPECT_TRUE(absl::IsAborted(ctx.Cause()));
  const std::string first(ctx.Cause().message());
  cancel(absl::AbortedError("too late"));
  EXPECT_EQ(ctx.Cause().message(), first);
}

TEST(Context, TheCauseGoesDown) {
  auto [parent, cancel] = WithCancelCause(Background());
  auto [child, cancel_child] = WithCancel(parent);
  cancel(absl::UnavailableError("disk full"));
  EXPECT_TRUE(absl::IsCancelled(child.Err()));
  EXPECT_TRUE(absl::IsUnavailable(child.Cause()));
  auto [late, cancel_late] = WithTimeout(child, absl::Hours(1));
  EXPECT_TRUE(absl::IsUnavailable(late.Cause()));
  cancel_child();
  cancel_late();
}

TEST(Context, AnOkCauseStandsForErr) {
  auto [ctx, cancel] = WithCancelCause(Background());
  EXPECT_TRUE(ctx.Cause().ok());
  cancel(absl::OkStatus());
  EXPECT_TRUE(absl::IsCancelled(ctx.Cause()));
}

TEST(Context, ATimeoutMayHaveACauseOfItsOwn) {
  auto [ctx, cancel] = WithTimeoutCause(Background(), absl::Milliseconds(5),
                                        absl::UnavailableError("backend too slow"));
  auto [child, cancel_child] = WithCancel(ctx);
  EXPECT_TRUE(ctx.Cause().ok());
  child.Done().Recv();
  for (const Context& ended : {ctx, child}) {
    EXPECT_TRUE(absl::IsDeadlineExceeded(ended.Err()));
    EXPECT_EQ(ended.Cause(), absl::UnavailableError("backend too slow"));
  }
  auto [late, cancel_late] =
      WithDeadlineCause(Background(), Now() - absl::Seconds(1), absl::AbortedError("too late"));
  EXPECT_TRUE(absl::IsDeadlineExceeded(late.Err()));
  EXPECT_EQ(late.Cause(), absl::AbortedError("too late"));
  auto [stopped, stop] =
      WithTimeoutCause(Background(), absl::Hours(1), absl::AbortedError("too late"));
  stop();
  EXPECT_TRUE(absl::IsCancelled(stopped.Cause()));
  cancel();
  cancel_child();
  cancel_late();
}

TEST(Context, TimeoutEndsWithDeadlineExceeded) {
  auto [ctx, cancel] = WithTimeout(Background(), absl::Milliseconds(20));
  EXPECT_EQ(ctx.Done().Recv(), std::nullopt);
  EXPECT_TRUE(absl::IsDeadlineExceeded(ctx.Err()));
  EXPECT_TRUE(absl::IsDeadlineExceeded(ctx.Cause()));
  cancel();
  EXPECT_TRUE(absl::IsDeadlineExceeded(ctx.Err()));
}

TEST(Context, AChildSeesTheEarlierDeadlineOfItsParent) {
  auto [parent, cancel_parent] = WithTimeout(Background(), absl::Milliseconds(30));
  auto [child, cancel_child] = WithTimeout(parent, absl::Hours(1));
  EXPECT_EQ(child.Deadline(), parent.Deadline());
  auto [tight, cancel_tight] = WithTimeout(parent, absl::Milliseconds(1));
  EXPECT_LT(*tight.Deadline(), *parent.Deadline());
  child.Done().Recv();
  EXPECT_TRUE(absl::IsDeadlineExceeded(child.Err()));
  cancel_tight();
  cancel_child();
  cancel_parent();
}

TEST(Context, ADeadlineInThePastEndsAtOnce) {
  auto [ctx, cancel] = WithDeadline(Background(), Now() - absl::Seconds(1));
  EXPECT_TRUE(Ended(ctx));
  EXPECT_TRUE(absl::IsDeadlineExceeded(ctx.Err()));
  cancel();
}

TEST(Context, ValuesAreFoundByWalkingUp) {
  const Context traced = WithValue<TraceId>(Background(), "t1");
  const Context user = WithValue<UserId>(traced, "u1");
  const Context shadowed = WithValue<TraceId>(user, "t2");
  EXPECT_EQ(*user.Value<TraceId>(), "t1");
  EXPECT_EQ(*shadowed.Value<TraceId>(), "t2");
  EXPECT_EQ(*shadowed.Value<UserId>(), "u1");
  EXPECT_EQ(traced.Value<UserId>(), nullptr);
}

// Counts how many there are; as large as it is told.
template <std::size_t kBytes>
struct CountedValue {
  inline static int alive = 0;
  explicit CountedValue(int given) : number(given) { ++alive; }
  CountedValue(CountedValue&& other) noexcept : number(other.number) { ++alive; }
  ~CountedValue() { --alive; }
  int number;
  char room[kBytes] = {};
};
template <std::size_t kBytes>
struct CountedKey {
  using Value = CountedValue<kBytes>;
};

// Small ones stand in the context's node, large ones do not: nobody can tell.
template <std::size_t kBytes>
void ExpectToLiveAsLongAsItsContext() {
  using Key = CountedKey<kBytes>;
  std::optional<Context> ctx = WithValue<Key>(Background(), CountedValue<kBytes>(7));
  EXPECT_EQ(CountedValue<kBytes>::alive, 1);
  std::optional<Context> below = WithCancel(*ctx).first;
  ctx.reset();
  EXPECT_EQ(below->Value<Key>()->number, 7);
  below.reset();
  EXPECT_EQ(CountedValue<kBytes>::alive, 0);
}

TEST(Context, AValueLivesAsLongAsItsContext) {
  ExpectToLiveAsLongAsItsContext<1>();
  ExpectToLiveAsLongAsItsContext<48>();
  ExpectToLiveAsLongAsItsContext<1000>();
}

// Leaves, timeouts and whole branches, mixed: all of them end, and timers are given back.
TEST(Context, ChildrenOfAllKindsEndWithTheirParent) {
  auto [root, cancel] = WithCancelCause(Background());
  std::vector<std::pair<Context, CancelFunc>> all;
  std::atomic<int> ran{0};
  for (int i = 0; i < 100; ++i) {
    all.push_back(WithCancel(root));
    all.push_back(WithTimeout(root, absl::Hours(1)));
    AfterFunc(root, [&ran] { ++ran; });
    all.push_back(WithCancel(WithValue<TraceId>(root, "t")));
    all.push_back(WithTimeout(all.back().first, absl::Hours(2)));
  }
  const Receiver<Unit> listened = all[399].first.Done();
  cancel(absl::AbortedError("enough"));
  EXPECT_FALSE(listened.Recv().has_value());
  for (const auto& [ctx, cancel_one] : all) {
    EXPECT_TRUE(absl::IsCancelled(ctx.Err()));
    EXPECT_TRUE(absl::IsAborted(ctx.Cause()));
    EXPECT_TRUE(Ended(ctx));
    cancel_one();
  }
  while (ran < 100) this_task::Yield();
}

TEST(Context, WithoutCancelKeepsValuesOnly) {
  auto [parent, cancel] = WithTimeout(WithValue<TraceId>(Background(), "t"), absl::Hours(1));
  const Context kept = WithoutCancel(parent);
  cancel();
  EXPECT_TRUE(kept.Err().ok());
  EXPECT_TRUE(kept.Done().IsNil());
  EXPECT_EQ(kept.Deadline(), std::nullopt);
  EXPECT_EQ(*kept.Value<TraceId>(), "t");
}

TEST(Context, AfterFuncRunsOnceWhenTheContextEnds) {
  auto [ctx, cancel] = WithCancel(Background());
  Chan<Unit> ran(2);
  const StopFunc stop = AfterFunc(ctx, [ran] { ran.Send({}); });
  cancel();
  cancel();
  ran.Recv();
  EXPECT_FALSE(stop());
  for (int i = 0; i < 20; ++i) this_task::Yield();
  EXPECT_TRUE(ran.TryRecv().empty());
}

TEST(Context, AnAfterFuncOutlivesTheWorldItWasMadeIn) {
  if (internal::InControlledWorld()) GTEST_SKIP() << "it runs in the default pool";
  auto [ctx, cancel] = WithCancel(Background());
  const Chan<int> ran(1);
  internal::ControlledWorld* world = internal::EnterControlledWorld("short", 1);
  AfterFunc(ctx, [ran] { ran.Send(1); });
  EXPECT_EQ(internal::LeaveControlledWorld(world), 0U);
  cancel();
  EXPECT_EQ(ran.Recv(), 1);
}

TEST(Context, AStoppedAfterFuncDoesNotRun) {
  auto [ctx, cancel] = WithCancel(Background());
  Chan<Unit> ran(1);
  const StopFunc stop = AfterFunc(ctx, [ran] { ran.Send({}); });
  EXPECT_TRUE(stop());
  EXPECT_FALSE(stop());
  cancel();
  for (int i = 0; i < 20; ++i) this_task::Yield();
  EXPECT_TRUE(ran.TryRecv().empty());
}

// Whether stop() or cancel() wins: exactly one of "kept from running" and "ran" is true.
// As in Go: it stopped what had not begun, and never would have.
TEST(Context, StopOfAContextThatNeverEndsIsTrueOnce) {
  const StopFunc stop = AfterFunc(Background(), [] { FAIL(); });
  EXPECT_TRUE(stop());
  EXPECT_FALSE(stop());
}

TEST(Context, StopAndCancelRace) {
  for (int round = 0; round < 50; ++round) {
    auto [ctx, cancel] = WithCancel(Background());
    std::atomic<int> ran{0};
    Chan<Unit> done(1);
    const StopFunc stop = AfterFunc(ctx, [&ran, done] {
      ++ran;
      done.Send({});
    });
    TaskHandle canceller = Go([cancel = cancel] { cancel(); });
    const bool stopped = stop();
    canceller.Join();
    if (!stopped) done.Recv();
    EXPECT_EQ(ran, stopped ? 0 : 1);
  }
}

// When Err() is set Done() is closed, and the other way round, whoever looks.
TEST(Context, ErrAndDoneAgree) {
  for (int round = 0; round < 50; ++round) {
    auto [ctx, cancel] = WithCancel(Background());
    WaitGroup wg;
    wg.Go([ctx = ctx] {
      while (ctx.Err().ok()) this_task::Yield();
      EXPECT_TRUE(Ended(ctx));
    });
    wg.Go([ctx = ctx] {
      ctx.Done().Recv();
      EXPECT_FALSE(ctx.Err().ok());
    });
    wg.Go([cancel = cancel] { cancel(); });
    wg.Wait();
  }
}

TEST(Context, ManyChildrenAreMadeWhileTheParentEnds) {
  auto [parent, cancel] = WithCancel(Background());
  WaitGroup wg;
  for (int t = 0; t < 4; ++t) {
    wg.Go([parent = parent] {
      for (int i = 0; i < 100; ++i) {
        auto [child, cancel_child] = WithCancel(parent);
        if (i % 2 == 0) cancel_child();
        if (!parent.Err().ok()) {
          EXPECT_FALSE(child.Err().ok());
        }
        cancel_child();
      }
    });
  }
  wg.Go([cancel = cancel] { cancel(); });
  wg.Wait();
}

TEST(Context, DeepAndWideTrees) {
  auto [root, cancel] = WithCancel(Background());
  std::vector<std::pair<Context, CancelFunc>> all;
  Context deep = root;
  for (int i = 0; i < 10000; ++i) {
    all.push_back(WithCancel(deep));
    deep = all.back().first;
  }
  for (int i = 0; i < 10000; ++i) all.push_back(WithCancel(root));
  cancel();
  for (const auto& [ctx, unused] : all) ASSERT_FALSE(ctx.Err().ok());
  for (const auto& [ctx, cancel_one] : all) cancel_one();
}

// A cancelled timeout gives its timer back: nothing is left that could move the clock.
TEST(Context, CancelGivesTheTimerBack) {
  const absl::Time before = Now();
  {
    auto [ctx, cancel] = WithTimeout(Background(), absl::Hours(5));
    cancel();
  }
  this_task::SleepFor(absl::Milliseconds(1));
  EXPECT_LT(Now() - before, absl::Hours(1));
}

TEST(Context, TasksInheritTheirSpawnersContext) {
  auto [ctx, cancel] = WithCancel(WithValue<TraceId>(Background(), "inherited"));
  Go(ctx, [] {
    Go([] { EXPECT_EQ(*this_task::GetContext().Value<TraceId>(), "inherited"); }).Join();
  }).Join();
  cancel();
}

TEST(Context, ALostCancelThatKeepsSomethingIsFoundOut) {
  ExpectLeak("lost-cancel");
  const Context ctx = WithCancel(Background()).first;
  AfterFunc(ctx, [] {});  // waits for an end that nobody can bring about
}

TEST(Context, ALostCancelThatKeepsNothingIsNoLeak) {
  const Context ctx = WithCancel(Background()).first;
  EXPECT_TRUE(ctx.Err().ok());
}

}  // namespace
}  // namespace stranded
