#include "runtime_hooks/recorder/events.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "detector/model/snapshot.h"
#include "runtime_hooks/channel/chan_core.h"
#include "runtime_hooks/scheduler/task.h"
#include "runtime_hooks/scheduler/world.h"
#include "stranded/channel.h"
#include "stranded/context.h"
#include "stranded/dump.h"
#include "stranded/dump_reader.h"
#include "stranded/internal/check_support.h"
#include "stranded/mutex.h"
#include "stranded/task.h"
#include "stranded/time.h"
#include "tests/runtime/dump_test_support.h"
#include "tests/runtime/events_test_support.h"
#include "tests/runtime/sync_test_support.h"

namespace stranded {
namespace {

using internal::EventKind;
using internal::Record;
using internal::RecordedEvent;
using internal::RingCopy;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST_F(EventsTest, KeepsWhatWasRecordedInOrder) {
  const auto here = std::source_location::current();
  Record(EventKind::kSend, 900001, 5, here);
  Record(EventKind::kWake, 900001, 6, here, 77);
  const auto events = EventsOf(900001);
  ASSERT_THAT(events, SizeIs(2));
  EXPECT_EQ(events[0].kind, EventKind::kSend);
  EXPECT_EQ(events[0].object, 5u);
  EXPECT_EQ(events[0].site.line(), here.line());
  EXPECT_EQ(events[1].kind, EventKind::kWake);
  EXPECT_EQ(events[1].arg, 77u);
}

TEST_F(EventsTest, NothingIsRecordedWithoutTrace) {
  internal::TraceEvents(false);
  Record(EventKind::kSend, 900002, 5, std::source_location::current());
  EXPECT_THAT(EventsOf(900002), IsEmpty());
}

TEST_F(EventsTest, OldestGoFirstAndAreCounted) {
  const auto here = std::source_location::current();
  std::thread([&] {
    for (std::uint64_t i = 0; i < 2 * internal::RingRecords(); ++i) {
      Record(EventKind::kLock, 900003, i, here);
    }
  }).join();
  std::uint64_t lost = 0;
  const auto events = EventsOf(900003, &lost);
  ASSERT_FALSE(events.empty());
  EXPECT_LT(events.size(), internal::RingRecords());
  EXPECT_EQ(events.back().object, 2 * internal::RingRecords() - 1);
  EXPECT_GE(lost, internal::RingRecords());
  for (std::size_t i = 1; i < events.size(); ++i) {
    ASSERT_EQ(events[i].object, events[i - 1].object + 1);
  }
}

TEST_F(EventsTest, ReaderNeverSeesHalfARecord) {
  std::atomic<bool> stop{false};
  std::thread writer([&] {
    const auto here = std::source_location::current();
    for (std::uint64_t i = 0; !stop.load(std::memory_order_relaxed); ++i) {
      Record(EventKind::kUnlock, 900004, i, here, i);
    }
  });
  std::size_t seen = 0;
  while (seen < 20000) {
    for (const RecordedEvent& e : EventsOf(900004)) {
      ASSERT_EQ(e.object, e.arg);
      ++seen;
    }
  }
  stop.store(true);
  writer.join();
}

TEST_F(EventsTest, EqualTransfersInARowShareARecord) {
  constexpr int kMany = 600;
  std::source_location place;
  const auto history = HistoryOf([&] {
    Chan<int> items(kMany);
    for (int i = 0; i < kMany; ++i) {
      place = std::source_location::current();
      items.Send(i, place);
    }
  });
  std::uint64_t sends = 0, records = 0;
  for (const RecordedEvent& e : history) {
    if (e.kind != EventKind::kSend) continue;
    EXPECT_EQ(e.site.line(), place.line());
    sends += 1 + e.arg;
    ++records;
  }
  EXPECT_EQ(sends, kMany);
  // The time is noted in between.
  EXPECT_EQ(records, 3);
}

TEST_F(EventsTest, TransfersThatDifferHaveTheirOwnRecords) {
  const auto history = HistoryOf([] {
    Chan<int> one(8), other(8);
    for (int i = 0; i < 2; ++i) one.Send(i);
    one.Send(2);  // another place
    for (int i = 0; i < 2; ++i) {
      one.Send(i);
      other.Send(i);
    }
    Mutex mutex;
    for (int i = 0; i < 2; ++i) {
      mutex.Lock();
      other.Send(i);
      mutex.Unlock();
    }
    while (one.size() > 0) one.Recv();
  });
  std::vector<std::uint64_t> times;
  for (const RecordedEvent& e : history) {
    if (e.kind == EventKind::kSend || e.kind == EventKind::kRecv) times.push_back(1 + e.arg);
  }
  EXPECT_THAT(times, ElementsAre(2, 1, 1, 1, 1, 1, 1, 1, 5));
}

// The first event at a place ends a run for that alone: what counts is what comes later.
TEST_F(EventsTest, WhateverComesBetweenEndsARun) {
  using Between = std::function<void()>;
  static constexpr int kMany = 6;
  const auto expect_no_run = [](const char* what, const std::function<Between()>& prepare) {
    std::uint64_t id = 0;
    const auto history = HistoryOf([&] {
      const Between between = prepare();
      const Chan<int> items(kMany);
      id = items.core()->id;
      for (int i = 0; i < kMany; ++i) {
        items.Send(i);
        between();
      }
    });
    const auto sends = std::count_if(history.begin(), history.end(), [id](const RecordedEvent& e) {
      return e.kind == EventKind::kSend && e.object == id;
    });
    EXPECT_EQ(sends, kMany) << what;
  };
  expect_no_run("a lock", [] {
    return [mutex = std::make_shared<Mutex>()] { const std::scoped_lock lock(*mutex); };
  });
  expect_no_run("a spawn", [] { return [] { (void)Go([] {}); }; });
  expect_no_run("a value for a task that waits", [] {
    const Chan<int> values;
    const TaskHandle task = Go([=] {
      for (int i = 0; i < kMany; ++i) values.Recv();
    });
    return [=] {
      AwaitParked(task.Id(), internal::WaitKind::kChanRecv);
      values.Send(1);
    };
  });
  expect_no_run("a wait", [] {
    const Chan<int> values;
    const TaskId self{internal::CurrentTask()->id};
    (void)Go([=] {
      for (int i = 0; i < kMany; ++i) {
        AwaitParked(self, internal::WaitKind::kChanRecv);
        values.Send(i);
      }
    });
    return [=] { values.Recv(); };
  });
}

// What comes after it is not recorded, in no record that there is.
TEST_F(EventsTest, ARunIsOverWhenTracingIs) {
  std::uint64_t id = 0;
  const auto history = HistoryOf([&] {
    const Chan<int> recorded(1), other(8000);
    id = recorded.core()->id;
    recorded.Send(1);
    internal::TraceEvents(false);
    for (int i = 0; i < 8000; ++i) other.Send(i);
    internal::TraceEvents(true);
  });
  for (const RecordedEvent& e : history) {
    EXPECT_FALSE(e.kind == EventKind::kSend && e.object == id && e.arg != 0);
  }
}

// The place of its record is another's then, in one of these rounds that of the newest one.
TEST_F(EventsTest, ARunIsOverWhenTheRingHasComeRound) {
  const std::size_t size = internal::RingRecords();
  if (size > 256) GTEST_SKIP() << "needs a small ring";
  for (std::size_t others = 1; others <= size + 8; ++others) {
    const auto history = HistoryOf([others] {
      const std::uint64_t self = internal::CurrentTask()->id;
      Chan<int> items(2);
      for (int i = 0; i < 2; ++i) {
        items.Send(i);
        if (i == 1) break;
        for (std::size_t n = 0; n < others; ++n) {
          Record(EventKind::kWake, self, 0, std::source_location::current());
        }
      }
    });
    EXPECT_EQ(history.back().kind, EventKind::kSend) << others;
    for (const RecordedEvent& e : history) EXPECT_EQ(e.arg, 0u) << others;
  }
}

// Its ring lies in the parent's file.
TEST_F(EventsTest, TheChildOfAForkCountsNothing) {
  if (internal::InControlledWorld()) GTEST_SKIP() << "no runs there";
  const std::uint64_t self = internal::CurrentTask()->id;
  const auto sends = [self] {
    std::uint64_t count = 0;
    for (const RecordedEvent& e : EventsOf(self))
      count += e.kind == EventKind::kSend ? 1 + e.arg : 0;
    return count;
  };
  Chan<int> items(20);
  const auto send_ten = [&items] {
    for (int i = 0; i < 10; ++i) items.Send(i);
  };
  const std::uint64_t before = sends();
  send_ten();
  ASSERT_EQ(sends(), before + 10);
  const pid_t child = fork();
  if (child == 0) {
    send_ten();
    _exit(sends() == before + 10 ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

TEST_F(EventsTest, ALookAdoptsNobody) {
  Chan<int> items(1);
  items.Send(1);
  auto [ctx, cancel] = WithCancel(Background());
  cancel();
  const TaskHandle done = Go([] {});
  done.Join();
  int before = 0, after = 0;
  std::thread([&, ctx = ctx] {
    before = internal::adopted_threads.load();
    EXPECT_EQ(items.size(), 1u);
    EXPECT_FALSE(ctx.Err().ok());
    EXPECT_TRUE(done.Finished());
    after = internal::adopted_threads.load();
  }).join();
  EXPECT_EQ(before, after);
}

// Their order among what other tasks do is what a replay goes by.
TEST_F(EventsTest, ControlledWorldsHaveEachTransferByItself) {
  std::uint64_t task = 0;
  std::thread([&] {
    auto* const world = internal::EnterControlledWorld("eight sends", 1);
    task = internal::CurrentTask()->id;
    Chan<int> items(8);
    for (int i = 0; i < 8; ++i) items.Send(i);
    internal::LeaveControlledWorld(world);
  }).join();
  const auto events = EventsOf(task);
  EXPECT_EQ(std::count_if(events.begin(), events.end(),
                          [](const RecordedEvent& e) { return e.kind == EventKind::kSend; }),
            8);
}

TEST_F(EventsTest, AMeetingIsSendReceiveAndWake) {
  constexpr int kMany = 1000;  // some of them where the ring's time is due
  if (internal::RingRecords() < 8 * kMany) GTEST_SKIP() << "needs a larger ring";
  std::uint64_t receiver = 0;
  const auto history = HistoryOf([&receiver] {
    Chan<int> items;
    const TaskHandle task = Go([items] {
      while (items.Recv().has_value()) {
      }
    });
    receiver = task.Id().value;
    for (int i = 0; i < kMany; ++i) items.Send(i);
    items.Close();
    task.Join();
  });
  const auto count = [](const std::vector<RecordedEvent>& events, EventKind kind) {
    return std::count_if(events.begin(), events.end(),
                         [&](const RecordedEvent& e) { return e.kind == kind; });
  };
  const auto others = EventsOf(receiver);
  EXPECT_EQ(count(history, EventKind::kSend), kMany);
  EXPECT_EQ(count(others, EventKind::kRecv), kMany);
  // One of the two waited each time; the close and the end may wake the other one, too.
  const auto wakes = count(history, EventKind::kWake) + count(others, EventKind::kWake);
  EXPECT_GE(wakes, kMany);
  EXPECT_LE(wakes, kMany + 2);
}

// A send stands before its receive, and whoever makes room before the send that fills it.
TEST_F(EventsTest, AMeetingIsInTheOrderInWhichItHappened) {
  const std::uint64_t me = internal::CurrentTask()->id;
  const auto last_two = [me](const Chan<int>& chan) {
    struct Room {
      std::uint64_t chan, me;
      std::vector<std::string> found;
    } room{chan.core()->id, me, {}};
    internal::ForEachRing(
        [](const RingCopy& copy, void* arg) {
          auto& r = *static_cast<Room*>(arg);
          for (const RecordedEvent& e : copy.events) {
            const bool transfer = e.kind == EventKind::kSend || e.kind == EventKind::kRecv;
            if (!transfer || e.object != r.chan) continue;
            r.found.push_back(std::string(e.task == r.me ? "my " : "its ") +
                              (e.kind == EventKind::kSend ? "send" : "receive"));
          }
        },
        &room);
    return std::vector(room.found.end() - 2, room.found.end());
  };
  const Chan<int> received, sent, full(1);
  const TaskHandle receiver = Go([=] { received.Recv(); });
  AwaitParked(receiver.Id(), internal::WaitKind::kChanRecv);
  received.Send(1);
  EXPECT_THAT(last_two(received), ElementsAre("my send", "its receive"));
  const TaskHandle sender = Go([=] { sent.Send(1); });
  AwaitParked(sender.Id(), internal::WaitKind::kChanSend);
  sent.Recv();
  EXPECT_THAT(last_two(sent), ElementsAre("its send", "my receive"));
  full.Send(1);
  const TaskHandle second = Go([=] { full.Send(2); });
  AwaitParked(second.Id(), internal::WaitKind::kChanSend);
  full.Recv();
  EXPECT_THAT(last_two(full), ElementsAre("my receive", "its send"));
  for (const TaskHandle* task : {&receiver, &sender, &second}) task->Join();
}

TEST_F(EventsTest, DumpCarriesTheRings) {
  const auto here = std::source_location::current();
  Record(EventKind::kCancel, 900005, 42, here);
  Record(EventKind::kSpawn, 900005, 0, here, 900006);
  Record(EventKind::kWake, 900006, 0, {}, 900005);
  const auto dump = detector::ReadDump(CaptureDump(), "here");
  ASSERT_TRUE(dump.ok());
  std::vector<detector::Event> found;
  for (const detector::Event& e : (*dump)->snapshots.back().events.kept()) {
    if (e.task == 900005 || e.task == 900006) found.push_back(e);
  }
  ASSERT_THAT(found, SizeIs(3));
  EXPECT_EQ(found[0].kind, static_cast<int>(EventKind::kCancel));
  EXPECT_EQ(found[0].object, 42u);
  EXPECT_EQ((*dump)->SiteOf(found[0].site).line, here.line());
  EXPECT_EQ(found[1].arg, 900006u);
  EXPECT_EQ(found[2].arg, 900005u);
  EXPECT_EQ(found[2].site, 0u);
  DumpOptions without;
  without.events = false;
  const auto plain = detector::ReadDump(CaptureDump(without), "here");
  ASSERT_TRUE(plain.ok());
  EXPECT_THAT((*plain)->snapshots.back().events.kept(), IsEmpty());
}

}  // namespace
}  // namespace stranded
