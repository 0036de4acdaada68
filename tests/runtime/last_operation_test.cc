// What a task did last, where transfers in a row say it once: see NoteOpHere().
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "runtime_hooks/scheduler/task.h"
#include "stranded/channel.h"
#include "stranded/cond.h"
#include "stranded/context.h"
#include "stranded/errors.h"
#include "stranded/mutex.h"
#include "stranded/select.h"
#include "stranded/semaphore.h"
#include "stranded/task.h"
#include "stranded/time.h"
#include "stranded/wait_group.h"
#include "tests/runtime/events_test_support.h"

namespace stranded {
namespace {

using internal::EventKind;
using internal::RecordedEvent;
using ::testing::ElementsAre;

using Place = std::source_location;

struct Between {
  std::string name;
  std::function<void(const Place& at)> run;
};

// What notes itself as the last operation, whether or not an event tells of it.
std::vector<Between> OperationsBetween() {
  struct Objects {
    Mutex held;
    Cond cond{held};
    WaitGroup group;
    Semaphore taken{1};
    Chan<int> full{1}, empty{1}, closed{1};
    ~Objects() { held.Unlock(); }
  };
  auto objects = std::make_shared<Objects>();
  objects->held.Lock();
  EXPECT_TRUE(objects->taken.TryAcquire(1));
  objects->full.Send(0);
  objects->closed.Close();
  Objects* const o = objects.get();
  const auto keep = [objects](auto f) { return [objects, f](const Place& at) { f(at); }; };
  return {
      {"TryLock", keep([o](const Place& at) { EXPECT_FALSE(o->held.TryLock(at)); })},
      {"TryAcquire", keep([o](const Place& at) { EXPECT_FALSE(o->taken.TryAcquire(1, at)); })},
      {"Signal", keep([o](const Place& at) { o->cond.Signal(at); })},
      {"TrySend", keep([o](const Place& at) { EXPECT_FALSE(o->full.TrySend(1, at)); })},
      {"TryRecv", keep([o](const Place& at) { EXPECT_TRUE(o->empty.TryRecv(at).empty()); })},
      {"closed",
       keep([o](const Place& at) { EXPECT_THROW(o->closed.Send(1, at), ClosedChannelError); })},
      {"Done", keep([o](const Place& at) {
         o->group.Add(1);
         o->group.Done(at);
       })},
      {"Yield", [](const Place& at) { this_task::Yield(at); }},
  };
}

class LastOperationTest : public EventsTest, public ::testing::WithParamInterface<bool> {
 protected:
  LastOperationTest() { internal::TraceEvents(GetParam()); }
};

TEST_P(LastOperationTest, IsKnownBetweenTransfersInARow) {
  std::thread([] {
    const internal::Task* const self = internal::CurrentTask();
    const auto last = [self] { return self->last_site.load().line(); };
    Chan<int> items(100);
    for (const Between& between : OperationsBetween()) {
      SCOPED_TRACE(between.name);
      for (int round = 0; round < 4; ++round) {
        const Place send = Place::current();
        for (int i = 0; i < 3; ++i) items.Send(i, send);
        EXPECT_EQ(last(), send.line());
        EXPECT_EQ(self->last_kind.load(), internal::WaitKind::kChanSend);
        const Place at = Place::current();
        between.run(at);
        EXPECT_EQ(last(), at.line());
        items.Send(0, send);
        EXPECT_EQ(last(), send.line());
        EXPECT_EQ(self->last_object.load(), items.core());
        const Place recv = Place::current();
        for (int i = 0; i < 3; ++i) items.Recv(recv);
        between.run(at);
        EXPECT_EQ(last(), at.line());
        items.Recv(recv);
        EXPECT_EQ(last(), recv.line());
        EXPECT_EQ(self->last_kind.load(), internal::WaitKind::kChanRecv);
      }
    }
  }).join();
}
INSTANTIATE_TEST_SUITE_P(Recording, LastOperationTest, ::testing::Bool(),
                         [](const auto& traced) { return traced.param ? "Trace" : "State"; });

// Explorations switch it, whatever other threads do meanwhile.
TEST_F(EventsTest, ARunDoesNotOutliveASwitchOfTracing) {
  std::thread([] {
    const internal::Task* const self = internal::CurrentTask();
    const auto last = [self] { return self->last_site.load().line(); };
    Chan<int> items(100), others(100);
    Mutex held;
    held.Lock();
    const Place send = Place::current();
    const Place other = Place::current();
    for (int i = 0; i < 2; ++i) items.Send(i, send);
    internal::TraceEvents(false);
    EXPECT_FALSE(held.TryLock(other));
    items.Send(0, send);
    EXPECT_EQ(last(), send.line());
    others.Send(0, other);
    items.Send(0, send);
    EXPECT_EQ(last(), send.line());
    for (int i = 0; i < 3; ++i) others.Send(i, other);
    internal::TraceEvents(true);
    items.Send(0, send);
    EXPECT_EQ(last(), send.line());
    held.Unlock();
  }).join();
}

TEST_F(EventsTest, WhatBeganUntracedIsRecordedWhenTracingIsOn) {
  const auto history = HistoryOf([] {
    Chan<int> items(100);
    Mutex mutex;
    for (int period = 0; period < 2; ++period) {
      internal::TraceEvents(false);
      for (int i = 0; i < 5; ++i) items.Send(i);
      internal::TraceEvents(true);
      for (int i = 0; i < 5; ++i) {
        mutex.Lock();
        mutex.Unlock();
        items.Send(i);
      }
    }
  });
  std::uint64_t sends = 0;
  for (const RecordedEvent& e : history) {
    if (e.kind == EventKind::kSend) sends += 1 + e.arg;
  }
  EXPECT_EQ(sends, 10);
}

TEST_F(EventsTest, TriesThatGoThroughShareARecord) {
  const auto history = HistoryOf([] {
    Chan<int> items(8);
    for (int i = 0; i < 5; ++i) {
      if (!items.TrySend(i)) ADD_FAILURE();
    }
    for (int i = 0; i < 3; ++i) {
      if (!items.TryRecv()) ADD_FAILURE();
    }
  });
  std::vector<std::uint64_t> times;
  for (const RecordedEvent& e : history) {
    if (e.kind == EventKind::kSend || e.kind == EventKind::kRecv) times.push_back(1 + e.arg);
  }
  EXPECT_THAT(times, ElementsAre(5, 3));
}

}  // namespace
}  // namespace stranded
