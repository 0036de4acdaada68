// Words for explorations.
#ifndef STRANDED_DETECTOR_EXPLORE_EXPLORE_TEXT_H_
#define STRANDED_DETECTOR_EXPLORE_EXPLORE_TEXT_H_

#include <set>
#include <string>
#include <vector>

#include "stranded/explore.h"
#include "stranded/internal/explore_support.h"

namespace stranded::detector {

// The interleaving of a run, without what says nothing.
std::vector<ExploreStep> StepsOf(const internal::ScheduleRecord& record,
                                 const std::string& source_root);
// One line a step: task, operation, place; a mark where a task was stopped that could have gone on.
std::string StepsText(const std::vector<ExploreStep>& steps);
// What went wrong, however many tasks it left: causes with their places, and what was thrown.
std::set<std::string> WhatFailed(const ExploreOutcome& o);
// A long schedule is cut in the middle.
std::string ShortSchedule(const std::string& schedule);
// "3 tasks stranded (cancelled-send)", "clean", ...
std::string OutcomeText(const ExploreOutcome& outcome);
// How many ends there are, and one line for each.
std::string EndsText(const ExploreResult& result);

}  // namespace stranded::detector

#endif  // STRANDED_DETECTOR_EXPLORE_EXPLORE_TEXT_H_
