#include "absl/strings/str_cat.h"
#include "detector/go/rules.h"

namespace stranded::detector {
namespace {

using Kind = GoWaitKind;

void Add(FindingData& out, FixKind kind, const SourceSite& site, std::string summary,
         std::string reason) {
  Fix fix;
  fix.kind = kind;
  fix.site = site;
  fix.summary = std::move(summary);
  fix.reason = std::move(reason);
  out.fixes.push_back(std::move(fix));
}

void FixSend(const GoPile& pile, FindingData& out) {
  const std::string at = out.wait_site.ToString();
  Add(out, FixKind::kAddContextCase, out.wait_site,
      absl::StrCat("At ", at, ", select { case ch <- v: case <-ctx.Done(): return }."),
      "Then the sender leaves when the caller does.");
  if (pile.creator == 0 || out.rule == "growth") return;
  Add(out, FixKind::kRaiseCapacity, out.spawn_site,
      "If each goroutine sends a known number of values, make room for them: make(chan T, n).",
      "Then no send needs a receiver that is still there.");
}

void FixReceive(FindingData& out) {
  const std::string at = out.wait_site.ToString();
  Add(out, FixKind::kCloseChannel, out.wait_site,
      "Let the last sender end the stream: defer close(ch) where the values are sent.",
      "A receive from a closed channel, and a range over it, ends.");
  Add(out, FixKind::kAddContextCase, out.wait_site,
      absl::StrCat("At ", at,
                   ", select { case v := <-ch: case <-ctx.Done(): return }, and defer "
                   "cancel() where the context is made."),
      "Then the receiver leaves when its work is given up.");
}

}  // namespace

void AddGoFixes(const GoDumps&, const GoPile& pile, FindingData& out) {
  const SourceSite& at = out.wait_site;
  switch (pile.kind) {
    case Kind::kSend: return FixSend(pile, out);
    case Kind::kReceive: return FixReceive(out);
    case Kind::kChannel:
      return Add(out, FixKind::kAddContextCase, at,
                 absl::StrCat("At ", at.ToString(), ", wait in a select beside <-ctx.Done()."),
                 "A dump with debug=2 says whether it sends or receives.");
    case Kind::kSelect:
      return Add(
          out, FixKind::kAddContextCase, at,
          absl::StrCat("Give the select at ", at.ToString(),
                       " a case <-ctx.Done(), and defer cancel() where the context is made."),
          "Then it ends when its work is given up.");
    case Kind::kSendNil:
    case Kind::kReceiveNil:
      return Add(out, FixKind::kMakeChannel, at,
                 absl::StrCat("Make the channel used at ", at.ToString(),
                              " before its first use: ch := make(chan T)."),
                 "The zero value of a channel blocks for ever.");
    case Kind::kSelectEmpty:
      return Add(out, FixKind::kAddCase, at,
                 absl::StrCat("Replace select {} at ", at.ToString(), " by <-ctx.Done()."),
                 "Then the goroutine can be told to end.");
    case Kind::kLock:
    case Kind::kReadLock:
    case Kind::kWriteLock:
      return Add(out, FixKind::kUnlock, at,
                 absl::StrCat("Look for the holder of the lock taken at ", at.ToString(),
                              ": write defer mu.Unlock() behind each Lock, and while holding "
                              "it neither wait for channels nor call what locks it again."),
                 "Then every way out of the function gives the lock back.");
    case Kind::kWaitGroup:
      return Add(out, FixKind::kAddDone, at,
                 absl::StrCat("Match the Wait at ", at.ToString(),
                              ": write defer wg.Done() as the first line of each goroutine, and "
                              "count with Add before the go statement."),
                 "Then the counter comes down on every way out.");
    case Kind::kOnce:
      return Add(out, FixKind::kUnlock, at,
                 absl::StrCat("Look at the function that Do was given first, at ", at.ToString(),
                              " or elsewhere: it must not call Do of the same Once, nor wait for "
                              "a goroutine that does."),
                 "All other calls of Do wait until the first has returned.");
    case Kind::kCond:
      return Add(out, FixKind::kSignal, at,
                 "Call Broadcast after each change of the condition, also when the program ends.",
                 "A Signal that comes before the Wait is lost.");
    default:
      return Add(out, FixKind::kStopTask, out.spawn_site,
                 "Give the goroutine a context, and end it when the context does.",
                 "Then it can be told to end.");
  }
}

}  // namespace stranded::detector
