// The times of events: those of parks and of every 256th record, and of the clock when it moves.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <thread>
#include <vector>

#include "runtime_hooks/recorder/events.h"
#include "runtime_hooks/scheduler/task.h"
#include "runtime_hooks/scheduler/world.h"
#include "stranded/channel.h"
#include "stranded/internal/check_support.h"
#include "stranded/task.h"
#include "stranded/time.h"
#include "tests/runtime/events_test_support.h"

namespace stranded {
namespace {

using internal::EventKind;
using internal::Record;
using internal::RecordedEvent;
using internal::RingCopy;

class EventTimesTest : public EventsTest {};

// However full the ring is, and whatever its readers leave out.
TEST_F(EventTimesTest, EachEventHasATime) {
  std::thread([] {
    const std::uint64_t task = internal::CurrentTask()->id;
    const std::size_t size = internal::RingRecords();
    for (std::size_t i = 0; i < 3 * size; ++i) {
      Record(EventKind::kPass, task, i, std::source_location::current());
      if (size > 64 && i % (size / 8) != 0) continue;  // each copies the whole ring
      const auto events = EventsOf(task);
      ASSERT_FALSE(events.empty());
      for (const RecordedEvent& e : events) ASSERT_GT(e.time_ns, 0) << i;
    }
  }).join();
}

// The thread of the timers has no task.
TEST_F(EventTimesTest, ATimersEventsHaveTheTimeOfTheTimer) {
  std::int64_t before = 0, after = 0;
  std::thread([&] {
    before = internal::NowNs();
    After(absl::Milliseconds(2)).Recv();
    after = internal::NowNs();
  }).join();
  const auto events = EventsOf(0);
  const auto sent = std::find_if(events.rbegin(), events.rend(),
                                 [](const RecordedEvent& e) { return e.kind == EventKind::kSend; });
  ASSERT_NE(sent, events.rend());
  EXPECT_GE(sent->time_ns, before);
  EXPECT_LE(sent->time_ns, after);
}

// The system's tick is some milliseconds behind a look at the clock.
TEST_F(EventTimesTest, AWaitIsNotBeforeALookAtTheClock) {
  std::int64_t looked = 0;
  const auto history = HistoryOf([&] {
    looked = internal::CurrentTask()->world->NowNs();
    After(absl::Milliseconds(1)).Recv();
  });
  int waits = 0;
  for (const RecordedEvent& e : history) {
    if (e.kind != EventKind::kPark) continue;
    ++waits;
    EXPECT_GE(e.time_ns, looked);
  }
  EXPECT_GT(waits, 0);
}

// Not by the task that was the last to run, of which nothing that comes behind it would be seen to
// be free.
TEST_F(EventTimesTest, WhomATimerWakesNoTaskWakes) {
  internal::ControlledWorld* const world = internal::EnterControlledWorld("sleeps", 1);
  const TaskHandle sleeps = Go([] { this_task::SleepFor(absl::Milliseconds(2)); });
  const TaskHandle ends = Go([] { this_task::SleepFor(absl::Milliseconds(1)); });
  ends.Join();
  sleeps.Join();
  struct Search {
    const std::uint64_t sleeper;
    std::vector<std::uint64_t> wakers;
  } search{sleeps.Id().value, {}};
  internal::ForEachRing(
      [](const RingCopy& copy, void* arg) {
        auto& s = *static_cast<Search*>(arg);
        for (const RecordedEvent& e : copy.events) {
          if (e.kind == EventKind::kWake && e.arg == s.sleeper) s.wakers.push_back(e.task);
        }
      },
      &search);
  EXPECT_EQ(search.wakers, std::vector<std::uint64_t>{0});
  internal::LeaveControlledWorld(world);
}

// `rounds` values there and back.
void PingPong(int rounds) {
  const Chan<int> ping, pong;
  const TaskHandle other = Go([=] {
    for (const int v : ping) pong.Send(v);
  });
  for (int i = 0; i < rounds; ++i) {
    ping.Send(i);
    pong.Recv();
  }
  ping.Close();
  other.Join();
}

TEST_F(EventTimesTest, ATimeOfItsOwnIsRare) {
  if (internal::InControlledWorld()) GTEST_SKIP() << "each step takes time there";
  const int rounds = static_cast<int>(internal::RingRecords() / 16);
  if (rounds < 256) GTEST_SKIP() << "needs a larger ring";
  struct Count {
    std::int64_t since = 0, waits = 0, times = 0;
  } count{.since = internal::NowNs()};
  PingPong(rounds);
  internal::ForEachRing(
      [](const RingCopy& copy, void* arg) {
        auto& c = *static_cast<Count*>(arg);
        for (const RecordedEvent& e : copy.events) {
          if (e.time_ns < c.since) continue;
          if (e.kind == EventKind::kPark) ++c.waits;
          if (e.kind == EventKind::kNone) ++c.times;
        }
      },
      &count);
  EXPECT_GE(count.waits, rounds);
  // The clock that waits are stamped with moves once in some milliseconds, however slow they are.
  const std::int64_t ticks = (internal::NowNs() - count.since) / 1'000'000;
  EXPECT_LE(count.times, count.waits / 4 + ticks) << count.waits;
}

}  // namespace
}  // namespace stranded
