#include "detector/go/rules.h"

#include <algorithm>
#include <array>

#include "absl/strings/str_cat.h"

namespace stranded::detector {
namespace {

using Kind = GoWaitKind;

constexpr std::uint64_t kMany = 10;        // alike, in a program that could not go on by itself
constexpr std::uint32_t kLongMinutes = 5;  // for waits that are often just idle

std::string RuleFor(Kind kind) {
  switch (kind) {
    case Kind::kSend: return "abandoned-send";
    case Kind::kSendNil:
    case Kind::kReceiveNil: return "nil-channel";
    case Kind::kSelectEmpty: return "empty-select";
    case Kind::kLock:
    case Kind::kReadLock:
    case Kind::kWriteLock: return "orphaned-lock";
    case Kind::kWaitGroup: return "waitgroup-stuck";
    case Kind::kCond: return "cond-stuck";
    case Kind::kOnce: return "once-stuck";
    default: return "abandoned-recv";
  }
}

// A function that makes something and returns while its goroutines work on: that it is gone says
// nothing.
bool IsConstructor(std::string_view function) {
  std::string_view name = function.substr(function.rfind('.') + 1);
  if (name.starts_with("func")) {  // a closure of it: F.func1
    const std::size_t end = function.rfind('.');
    const std::string_view outer = function.substr(0, end);
    name = outer.substr(outer.rfind('.') + 1);
  }
  static constexpr std::array kWords = std::to_array<std::string_view>(
      {"New",    "new",    "Start", "start",  "Open",     "open",  "init",  "Init",      "Run",
       "run",    "Serve",  "serve", "Listen", "listen",   "Dial",  "dial",  "Connect",   "connect",
       "Launch", "launch", "Setup", "setup",  "Register", "Watch", "watch", "Subscribe", "Go"});
  return std::any_of(kWords.begin(), kWords.end(),
                     [&](std::string_view word) { return name.starts_with(word); });
}

bool Aged(const GoPile& pile, std::uint32_t minutes, const AnalysisOptions& options) {
  const auto asked = static_cast<std::int64_t>(absl::ToInt64Seconds(options.min_age) / 60);
  return pile.least_minutes >= std::max<std::int64_t>(minutes, asked);
}

GoVerdict Predicted(const GoPile& pile, std::string why) {
  return {RuleFor(pile.kind), "predicted", std::move(why), false};
}

// A select whose siblings, from the same creator, wait on nil channels.
bool OfNilChannels(const GoDumps& all, const GoPicture& picture, const GoPile& pile) {
  if (pile.kind != Kind::kSelect || pile.creator == 0) return false;
  return std::any_of(picture.piles.begin(), picture.piles.end(), [&](const GoPile& other) {
    const bool nil = other.kind == Kind::kSendNil || other.kind == Kind::kReceiveNil;
    return nil && other.creator != 0 &&
           all.frames[other.creator].function == all.frames[pile.creator].function;
  });
}

// Nothing but the writer of the dump could run. Receivers and selects that others still hold may
// have been about to go on.
GoVerdict JudgeQuiet(const GoPile& pile, bool creators_told) {
  const std::string why =
      "Nothing else in the dump can run: no input, no timer and no other work could wake it, only "
      "the goroutine that wrote the dump";
  const bool lone = pile.kind == Kind::kSelect && pile.count < kMany;
  const bool held =
      creators_told && pile.kind == Kind::kReceive && pile.count < kMany && !pile.creator_gone;
  if (lone || held) return {"", "", "", true};
  return Predicted(pile, pile.creator_gone
                             ? absl::StrCat(why, "; the function that started it has returned.")
                             : why + ".");
}

GoVerdict JudgeLive(const GoDumps& all, const GoPile& pile, const AnalysisOptions& options) {
  const bool orphan = pile.creator_gone && !IsConstructor(all.Function(pile.creator));
  const auto minutes = [&] {
    return absl::StrCat("It has waited for ", pile.most_minutes,
                        pile.most_minutes == 1 ? " minute" : " minutes");
  };
  switch (pile.kind) {
    case Kind::kSend:
    case Kind::kLock:
    case Kind::kReadLock:
    case Kind::kWriteLock:
    case Kind::kOnce:
      if (Aged(pile, 1, options)) return Predicted(pile, minutes() + ".");
      break;
    case Kind::kReceive:
    case Kind::kWaitGroup:
    case Kind::kCond:
      if (orphan && Aged(pile, kLongMinutes, options)) {
        return Predicted(pile, minutes() + "; the function that started it has returned.");
      }
      break;
    default: return {};
  }
  return {"", "", "", true};
}

}  // namespace

GoVerdict JudgeGo(const GoDumps& all, const GoDump& dump, const GoPicture& picture,
                  const GoPile& pile, const AnalysisOptions& options) {
  const std::string rule = RuleFor(pile.kind);
  if (pile.leaked) {
    return {rule, "proven",
            "Go's own leak detector says so: nothing that can still run can reach what it waits "
            "for.",
            false};
  }
  if (!BlockedGo(pile.kind)) return {};
  if (pile.kind == Kind::kSendNil || pile.kind == Kind::kReceiveNil) {
    return {rule, "proven", "An operation on a nil channel never ends.", false};
  }
  if (pile.library_idle) return {};
  if (pile.kind == Kind::kSelectEmpty) {
    // Main often waits so on purpose.
    if (pile.is_main && !dump.deadlock) return {};
    return {rule, "proven", "A select without cases never ends.", false};
  }
  if (dump.deadlock || dump.bubble_deadlock) {
    if (dump.bubble_deadlock && !dump.deadlock && pile.bubble == 0) return {};
    return {rule, "proven", "The runtime found that all goroutines were asleep.", false};
  }
  if (pile.is_main) return {};
  if (dump.timed_out) {
    if (pile.kind == Kind::kSelect) return {"", "", "", true};
    return Predicted(pile, "It was blocked when the test's time was over.");
  }
  if (picture.quiet && OfNilChannels(all, picture, pile)) {
    return {"nil-channel", "predicted",
            "A select over nil channels looks like any other; but what else the same function "
            "started waits on nil channels, and nothing could wake it.",
            false};
  }
  if (picture.quiet) return JudgeQuiet(pile, dump.has_creators);
  return JudgeLive(all, pile, options);
}

}  // namespace stranded::detector
