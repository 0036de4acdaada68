// A rule: which tasks it applies to, how it says so, and what it knows beyond what all findings
// say.
//
// How to add one: docs/adding-a-rule.md.
#ifndef STRANDED_DETECTOR_RULES_RULE_H_
#define STRANDED_DETECTOR_RULES_RULE_H_

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "detector/rules/situation.h"
#include "stranded/analysis.h"
#include "stranded/finding.h"

namespace stranded::detector {

enum class Answer : std::uint8_t { kFine, kLeak, kLookAgain };

// Tasks with the same key share a finding, besides sites.
struct MatchKey {
  Id root = 0;                         // a task: of a cycle or a chain
  SiteId context = 0, ended_site = 0;  // the context that ended, and where
  std::uint8_t variant = 0;            // of what the rule says
  bool operator==(const MatchKey&) const = default;
};

struct Match {
  Answer answer = Answer::kFine;
  std::string_view verdict;  // proven, cancelled, outlived
  MatchKey key;
};

// Tasks with one cause.
struct Group {
  std::vector<const Task*> tasks;  // by id, but the exemplar stands first if it is among them
  std::size_t count = 0;           // more than in `tasks` where one of those stands for a crowd
  const Task* exemplar = nullptr;  // of which the finding is told
  std::vector<const Task*> along;  // wait for one of `tasks`, and so hang with them
  std::string_view verdict;
  bool alike = false;  // SameWait() holds for all of them
};

struct Rule {
  RuleText text;
  Match (*check)(const Situation& s, const Task& task);
  // "task 7 "fetch" is ..." for one; "4 tasks "fetch" are ..." for many. `who` is that subject.
  std::string (*sentence)(const Situation& s, const Group& group, const std::string& who,
                          bool many);
  // Adds graph lines, notes and fixes.
  void (*explain)(const Situation& s, const Group& group, FindingData& out);
};

// In order of precedence: a task belongs to the first rule that calls it a leak.
const std::vector<const Rule*>& TaskRules();
// An error that names the first one that the catalogue has not.
absl::Status KnownRules(const std::vector<std::string>& ids);

extern const Rule kNilChannel, kEmptySelect, kSelfDeadlock, kLockCycle, kLockChanCycle,
    kOversizedAcquire, kOrphanedLock, kCancelledSend, kCancelledRecv, kCancelledSelect,
    kCancelledWait, kUnclosedChannel, kWaitGroupStuck, kCondStuck, kOnceStuck, kAbandonedSend,
    kAbandonedRecv, kOutlivedScope, kWaitCycle, kSemaphoreCycle;

// --- words that rules share
std::string TaskText(const Situation& s, Id task);  // task 7 "fetch"
std::string TaskText(const Task& task);
std::string Place(const Situation& s, SiteId site);  // file:line
SourceSite SiteText(const Situation& s, SiteId site);
// Where a place inside make_shared is named, says once how to be told the real one.
void NoteMakers(FindingData& data);
// "it has finished", "it waits at ...", of main "it went on" and `without` what.
std::string Present(const Situation& s, Id task, std::string_view without = "");
std::string WaitText(WaitKind kind);  // "sending on a channel"
// The same of a task: what it waits for may be a context, or an ErrGroup.
std::string WaitText(const Snapshot& snap, const Task& task);
// In ctx.Done().Recv().
bool WaitsForEnd(const Snapshot& snap, const Task& task);
std::string ContextAwaited(const Situation& s, const Task& task);  // "the context made at a.cc:3"
std::string ChannelText(const Channel* channel);                   // "an unbuffered channel"
std::string SyncText(const Sync& sync);                            // "the mutex made at a.cc:3"
std::string TypeText(std::string_view type);  // "std::string" for its long name
// "absl::Status" for absl::lts_20220623::Status, wherever it stands.
std::string WithoutInlineNamespaces(std::string text);
std::string Span(std::int64_t ns);  // "1.5s"
std::string Ago(std::int64_t ns);   // "1.5s ago", "just now"
// "4 sends begun, 1 completed", or "1 send completed" if that is all of them. What a select began
// and withdrew is not among them.
std::string Operations(std::uint64_t begun, std::uint64_t completed, const char* noun);
// Both do the same on the same object, in the same context, which they both ended or did not.
bool SameWait(const Situation& s, const Task& a, const Task& b);
// SameWait() holds for all tasks that it stands for: they do not each have a channel of their own.
bool OneWait(const Situation& s, const Task& task);
// "nobody is left", but for functions of timers that have yet to come: "no task is left".
std::string NobodyIsLeft(const Situation& s, const Task& task);
// What that means for the finding; empty if there are none.
std::string FunctionsText(const Situation& s, const Task& task);
std::string ThreadsText(std::uint32_t threads);  // what Situation::ThreadsBeside() means
// Verdict for a task that is stuck: proven where nothing can change it.
Match Stuck(const Situation& s, const Task& task, bool proven_anyway, MatchKey key = {});
// The verdict for a blocked task whose context may have ended.
Match Cancelled(const Situation& s, const Task& task);

}  // namespace stranded::detector

#endif  // STRANDED_DETECTOR_RULES_RULE_H_
