#include "stranded/err_group.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <stdexcept>

#include "stranded/errors.h"
#include "stranded/mutex.h"
#include "stranded/select.h"
#include "stranded/semaphore.h"
#include "tests/runtime/sync_test_support.h"

namespace stranded {
namespace {

using internal::WaitKind;

TEST(ErrGroup, WaitsForAllAndIsOkWhenAllAre) {
  ErrGroup group(Background());
  int results[10] = {};  // plain: Wait must order the writes before its return
  for (int i = 0; i < 10; ++i) {
    group.Go([&results, i](const Context&) {
      this_task::Yield();
      results[i] = 1;
      return absl::OkStatus();
    });
  }
  EXPECT_TRUE(group.Wait().ok());
  for (const int r : results) EXPECT_EQ(r, 1);
}

TEST(ErrGroup, TheFirstErrorEndsTheContextAndIsReturned) {
  ErrGroup group(Background());
  absl::Status cause;
  group.Go([&](const Context& ctx) {
    Select(OnDone(ctx));
    cause = ctx.Cause();
    return absl::InternalError("second");
  });
  group.Go([](const Context&) { return absl::NotFoundError("first"); });
  EXPECT_EQ(group.Wait(), absl::NotFoundError("first"));
  EXPECT_EQ(cause, absl::NotFoundError("first"));
  EXPECT_TRUE(absl::IsCancelled(group.GetContext().Err()));
}

TEST(ErrGroup, WaitEndsTheContextWithoutAnError) {
  ErrGroup group(Background());
  EXPECT_TRUE(group.GetContext().Err().ok());
  EXPECT_TRUE(group.Wait().ok());
  EXPECT_TRUE(absl::IsCancelled(group.GetContext().Err()));
  EXPECT_TRUE(absl::IsCancelled(group.GetContext().Cause()));
}

TEST(ErrGroup, TheParentsEndComesDownToTheTasks) {
  auto [parent, cancel] = WithCancel(Background());
  ErrGroup group(parent);
  group.Go([](const Context& ctx) {
    Select(OnDone(ctx));
    return ctx.Err();
  });
  cancel();
  EXPECT_TRUE(absl::IsCancelled(group.Wait()));
}

TEST(ErrGroup, TasksInheritTheGroupsContext) {
  ErrGroup group(Background());
  const Context ctx = group.GetContext();
  group.Go([&](const Context& given) {
    EXPECT_TRUE(given == ctx);
    EXPECT_TRUE(this_task::GetContext() == ctx);
    return absl::OkStatus();
  });
  EXPECT_TRUE(group.Wait().ok());
}

TEST(ErrGroup, TheLimitHoldsAndGoBlocks) {
  ErrGroup group(Background());
  group.SetLimit(2);
  std::atomic<int> alive{0};
  for (int i = 0; i < 10; ++i) {
    group.Go([&](const Context&) {
      EXPECT_LE(alive.fetch_add(1) + 1, 2);
      this_task::Yield();
      alive.fetch_sub(1);
      return absl::OkStatus();
    });
  }
  EXPECT_TRUE(group.Wait().ok());
}

TEST(ErrGroup, TryGoStartsOnlyWithinTheLimit) {
  ErrGroup group(Background());
  group.SetLimit(1);
  Mutex gate;
  gate.Lock();
  ASSERT_TRUE(group.TryGo([&](const Context&) {
    MutexLock lock(gate);
    return absl::OkStatus();
  }));
  EXPECT_FALSE(group.TryGo([](const Context&) -> absl::Status {
    ADD_FAILURE() << "must not run";
    return absl::OkStatus();
  }));
  EXPECT_THROW(group.SetLimit(3), MisuseError);
  gate.Unlock();
  EXPECT_TRUE(group.Wait().ok());
  group.SetLimit(-1);
  EXPECT_TRUE(group.TryGo([](const Context&) { return absl::OkStatus(); }));
  EXPECT_TRUE(group.Wait().ok());
}

TEST(ErrGroup, AnExceptionEndsTheContextAndWaitRethrowsIt) {
  ErrGroup group(Background());
  absl::Status cause;
  group.Go([&](const Context& ctx) {
    Select(OnDone(ctx));
    cause = ctx.Cause();
    return absl::InternalError("later");
  });
  group.Go([](const Context&) -> absl::Status { throw std::runtime_error("boom"); });
  try {
    static_cast<void>(group.Wait());
    FAIL() << "Wait must rethrow";
  } catch (const std::runtime_error& e) {
    EXPECT_STREQ(e.what(), "boom");
  }
  EXPECT_EQ(cause, absl::UnknownError("exception: boom"));
}

TEST(ErrGroup, AnExceptionIsNotLostBehindAnEarlierError) {
  ErrGroup group(Background());
  group.Go([](const Context& ctx) -> absl::Status {
    Select(OnDone(ctx));
    throw std::runtime_error("after the error");
  });
  group.Go([](const Context&) { return absl::NotFoundError("first"); });
  EXPECT_THROW(static_cast<void>(group.Wait()), std::runtime_error);
}

TEST(ErrGroup, WhatTheFunctionsHoldIsGoneWhenWaitReturns) {
  auto token = std::make_shared<int>(1);
  ErrGroup group(Background());
  group.Go([token](const Context&) { return absl::OkStatus(); });
  EXPECT_TRUE(group.Wait().ok());
  EXPECT_EQ(token.use_count(), 1);
}

TEST(ErrGroup, MayGoBeforeItsTasks) {
  Semaphore finished(1);
  ASSERT_TRUE(finished.TryAcquire());
  Mutex gate;
  gate.Lock();
  {
    ErrGroup group(Background());
    group.Go([&](const Context&) {
      gate.Lock();
      gate.Unlock();
      finished.Release();
      return absl::AbortedError("nobody asks");
    });
  }
  gate.Unlock();
  EXPECT_TRUE(finished.Acquire(Background()).ok());
}

// Without a Wait in between, as Go allows: a task that counts as gone must be done with the limit.
TEST(ErrGroup, TheLimitMayChangeAsSoonAsTheTasksAreGone) {
  const auto set_limit = [](ErrGroup& group) {
    try {
      group.SetLimit(3);
      return true;
    } catch (const MisuseError&) {
      return false;
    }
  };
  for (int round = 0; round < 300; ++round) {
    ErrGroup group(Background());
    group.SetLimit(4);
    for (int i = 0; i < 4; ++i) group.Go([](const Context&) { return absl::OkStatus(); });
    while (!set_limit(group)) this_task::Yield();
    EXPECT_TRUE(group.Wait().ok());
  }
}

}  // namespace
}  // namespace stranded
