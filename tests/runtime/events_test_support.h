// What a test that traces shares with others: the histories of tasks, read back from the rings.
#ifndef STRANDED_TESTS_RUNTIME_EVENTS_TEST_SUPPORT_H_
#define STRANDED_TESTS_RUNTIME_EVENTS_TEST_SUPPORT_H_

#include <gtest/gtest.h>

#include <cstdint>
#include <thread>
#include <vector>

#include "runtime_hooks/recorder/events.h"
#include "runtime_hooks/scheduler/world.h"
#include "stranded/internal/explore_support.h"

namespace stranded {

class EventsTest : public ::testing::Test {
 protected:
  EventsTest() : before_(internal::TraceEvents(true)) {}
  ~EventsTest() override { internal::TraceEvents(before_); }

  // What all threads recorded about `task`, and how many records were lost.
  static std::vector<internal::RecordedEvent> EventsOf(std::uint64_t task,
                                                       std::uint64_t* lost = nullptr) {
    struct Room {
      std::uint64_t task, lost = 0;
      std::vector<internal::RecordedEvent> found;
    } room{task, 0, {}};
    internal::ForEachRing(
        [](const internal::RingCopy& copy, void* arg) {
          auto& r = *static_cast<Room*>(arg);
          r.lost += copy.lost;
          for (const internal::RecordedEvent& e : copy.events) {
            if (e.kind != internal::EventKind::kNone && e.task == r.task) r.found.push_back(e);
          }
        },
        &room);
    if (lost != nullptr) *lost = room.lost;
    return room.found;
  }

  // Of what `f` did as a task of an OS thread.
  template <class F>
  static std::vector<internal::RecordedEvent> HistoryOf(F f) {
    std::uint64_t task = 0;
    std::thread([&] {
      task = internal::CurrentTask()->id;
      f();
    }).join();
    return EventsOf(task);
  }

 private:
  const bool before_;
};

}  // namespace stranded

#endif  // STRANDED_TESTS_RUNTIME_EVENTS_TEST_SUPPORT_H_
