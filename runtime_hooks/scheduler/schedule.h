// A schedule as what makes it different from the default one.
//
// Overview: the default schedule lets a task go on until it blocks, then runs the task that has
// been ready longest, takes the first ready select case, and moves time only when nothing can run.
// A schedule is the list of decisions that differ from it. Each is named by the task at whose point
// it was taken and by how many decisions that task had seen before, so that a part of the list
// still means the same when other parts are left out: that is how a failing schedule is made
// smaller. Text: items TASK.STEPtOTHER (run OTHER), TASK.STEPcNUMBER (choose NUMBER), TASK.STEPf
// (let the next timer fire first), joined by commas; "-" is the default schedule. Tasks are
// numbered by the order of their spawn, 0 is main. Thread safety: plain values.
#ifndef STRANDED_RUNTIME_HOOKS_SCHEDULER_SCHEDULE_H_
#define STRANDED_RUNTIME_HOOKS_SCHEDULER_SCHEDULE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace stranded::internal {

struct Deviation {
  enum Kind : char { kTask = 't', kNumber = 'c', kTimer = 'f' };
  std::uint32_t task = 0, step = 0;
  Kind kind = kTask;
  std::uint32_t value = 0;
  friend bool operator==(const Deviation&, const Deviation&) = default;
};

std::string ScheduleText(const std::vector<Deviation>& schedule);
// Nothing if the text is not a schedule.
std::optional<std::vector<Deviation>> ParseSchedule(std::string_view text);

}  // namespace stranded::internal

#endif  // STRANDED_RUNTIME_HOOKS_SCHEDULER_SCHEDULE_H_
