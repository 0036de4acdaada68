// The blocking operation gives up when the task's context ends.
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "detector/fixes/fixes.h"
#include "detector/fixes/function_text.h"
#include "detector/fixes/source_edit.h"
#include "detector/fixes/task_body.h"
#include "detector/rules/evidence.h"

namespace stranded::detector {
namespace {

std::string HowTo(WaitKind kind) {
  switch (kind) {
    case WaitKind::kChanSend:
      return "send with the context, `Send(ctx, value)`, or in a Select beside OnDone(ctx)";
    case WaitKind::kChanRecv:
      return "receive with the context, `Recv(ctx)`, or in a Select beside OnDone(ctx)";
    case WaitKind::kSelect: return "add an OnDone(ctx) case to the Select";
    case WaitKind::kSemaphoreAcquire: return "acquire with the task's own context";
    default: return "wait on a channel in a Select beside OnDone(ctx) instead";
  }
}

// The context that has not ended and whose end the task already listens to; nullptr if there is
// none.
const Context* ListensTo(const Situation& s, const Task& task) {
  for (std::uint32_t i = 0; i < task.case_count; ++i) {
    const WaitCase& c = s.snap().cases[task.first_case + i];
    const Channel* done = s.snap().channels.Find(c.channel);
    const bool plain = done != nullptr && done->role == ChannelRole::kContextDone;
    if (c.op != CaseOp::kDone && !plain) continue;
    const Context* context = s.snap().contexts.Find(plain ? done->context : c.context);
    // A case may name a value node: what ends is above it.
    for (std::size_t steps = 0; context != nullptr && steps <= s.snap().contexts.size(); ++steps) {
      if (context->has_cancel_func || context->deadline_ns != 0) break;
      context = s.snap().contexts.Find(context->parent);
    }
    if (context != nullptr && context->err == ContextErr::kNone) return context;
  }
  return nullptr;
}

// The context of a done case that can never end; nullptr if there is none.
const Context* ListensInVain(const Situation& s, const Task& task) {
  for (std::uint32_t i = 0; i < task.case_count; ++i) {
    const WaitCase& c = s.snap().cases[task.first_case + i];
    if (c.op == CaseOp::kDone && !s.CanEnd(c.context)) return s.snap().contexts.Find(c.context);
  }
  return nullptr;
}

// What keeps a context from ending: "WithoutCancel at a.cc:3", or Background.
std::string WhyEndless(const Situation& s, const Context* c) {
  for (std::size_t steps = 0; c != nullptr && steps <= s.snap().contexts.size(); ++steps) {
    if (c->kind == ContextKind::kWithoutCancel) {
      return absl::StrCat("WithoutCancel at ", Place(s, c->site));
    }
    if (c->parent == 0) break;
    c = s.snap().contexts.Find(c->parent);
  }
  return c != nullptr && c->kind == ContextKind::kTodo ? "TODO" : "Background";
}

bool BeginsInBackground(const Situation& s, const Context* c) {
  for (std::size_t steps = 0; c != nullptr && steps <= s.snap().contexts.size(); ++steps) {
    if (c->kind == ContextKind::kBackground || c->kind == ContextKind::kTodo) return true;
    if (c->kind == ContextKind::kWithoutCancel) return false;  // cut off on purpose
    c = s.snap().contexts.Find(c->parent);
  }
  return false;
}

// A task whose context has ended waits for one that it made itself, apart from that.
bool ProposeDerived(const Situation& s, const Task& task, const Context& awaited,
                    FindingData& out) {
  const Context* ended = s.EndedContext(task);
  const bool apart = ended != nullptr && awaited.creator_task == task.id && !awaited.cancel_lost &&
                     BeginsInBackground(s, &awaited);
  if (!apart) return false;
  out.fixes.push_back(
      SimpleFix(FixKind::kAddContextCase, SiteText(s, task.wait_site),
                absl::StrCat("Make the context of ", Place(s, awaited.site),
                             " from the task's own instead of from Background: the wait at ",
                             Place(s, task.wait_site), " listens to it."),
                absl::StrCat("The task's own, made at ", Place(s, ended->site),
                             ", has ended, and that would have reached it.")));
  return true;
}

bool IsAbove(const Situation& s, const Context& context, Id below) {
  const Context* c = s.snap().contexts.Find(below);
  for (std::size_t steps = 0; c != nullptr && steps <= s.snap().contexts.size(); ++steps) {
    if (c->id == context.id) return true;
    c = s.snap().contexts.Find(c->parent);
  }
  return false;
}

// The wait listens to a context that goes on, and not to the task's own, which has ended. True if
// nothing else should be proposed: what stands above the task's own serves others, too.
bool ProposeOwn(const Situation& s, const Task& task, const Context& awaited, FindingData& out) {
  const Context* ended = s.EndedContext(task);
  if (ended == nullptr) return false;
  const SourceSite site = SiteText(s, task.wait_site);
  out.fixes.push_back(
      SimpleFix(FixKind::kAddContextCase, site,
                absl::StrCat("At ", site.ToString(), ", listen to the task's own context, made at ",
                             Place(s, ended->site), ": add an OnDone() case for it."),
                absl::StrCat("It has ended; that made at ", Place(s, awaited.site),
                             ", to which the wait listens, goes on.")));
  return IsAbove(s, awaited, task.context);
}

}  // namespace

Fix SimpleFix(FixKind kind, const SourceSite& site, std::string summary, std::string reason) {
  Fix fix;
  fix.kind = kind;
  fix.site = site;
  fix.summary = std::move(summary);
  fix.reason = std::move(reason);
  return fix;
}

void WarnOfLocksHeld(const Situation& s, const Task& task, Fix& fix) {
  for (const Sync* lock : s.LocksHeldBy(task)) {
    const SiteId since = s.HeldAt(task, *lock);
    fix.warnings.push_back(absl::StrCat(
        "The lock taken at ", Place(s, since != 0 ? since : lock->site),
        " is held across this wait: whoever is to end the wait must not need it before."));
  }
}

namespace {

std::optional<std::size_t> WaitIn(const SourceCode& code, WaitKind wait, std::size_t line) {
  switch (wait) {
    case WaitKind::kChanSend: return code.CallOf("Send", line);
    case WaitKind::kChanRecv: return code.CallOf("Recv", line);
    case WaitKind::kSelect: return code.CallOf("Select", line);
    default: return std::nullopt;
  }
}

// Where a task waits, as far as the source tells.
struct WaitPlace {
  SourceFile source;
  std::size_t cleanup = 0;  // the line behind it that a return would leave out; 0: none
  bool tasks_own = false;   // a return there ends the task
};

std::optional<WaitPlace> LookAt(const Situation& s, const Task& task) {
  const SourceSite site = SiteText(s, task.wait_site);
  auto source = FindSource(site.file, s.options().source_root);
  if (!source.has_value()) return std::nullopt;
  const SourceCode code(source->lines);
  const auto at = WaitIn(code, task.wait, site.line);
  const auto function = at.has_value() ? code.FunctionAt(*at) : std::nullopt;
  if (!function.has_value()) return std::nullopt;
  const SpawnNode* spawn = SpawnOf(s, task.id);
  const bool own = spawn != nullptr && IsAllOfTask(SiteText(s, spawn->site), site, code, *function,
                                                   s.options().source_root);
  return WaitPlace{*std::move(source), code.CleanupBehind(*at, *function), own};
}

void WarnOfCallers(const Situation& s, const Task& task, const WaitPlace& place, Fix& fix) {
  const SpawnNode* spawn = SpawnOf(s, task.id);
  if (place.tasks_own || spawn == nullptr || !SiteText(s, spawn->site).known()) return;
  fix.warnings.push_back(kReturnsToCallers);
}

// As an edit it is shown only where the return ends the task, as the virtual patch does, and jumps
// over nothing that others wait for; and where the context can end at all.
void EditSend(const Situation& s, const Task& task, const WaitPlace& place, Fix& fix) {
  const SourceSite site = SiteText(s, task.wait_site);
  if (place.cleanup != 0) {
    fix.warnings.push_back(absl::StrCat(
        kLeavesOut, site.file, ":", place.cleanup,
        " is still done: others may wait for it, and a plain return would jump over it."));
  }
  if (place.cleanup != 0 || !place.tasks_own || !s.CanEnd(task.context)) return;
  if (const auto edited = WithContextSend(place.source.lines, site.line)) {
    fix.diff = DiffOfLine(place.source, site.line, *edited);
  }
}

}  // namespace

void WarnOfCallers(const Situation& s, const Task& task, Fix& fix) {
  if (const auto place = LookAt(s, task)) WarnOfCallers(s, task, *place, fix);
}

void ProposeContextCase(const Situation& s, const Group& group, FindingData& out) {
  const Task& task = *group.tasks.front();
  const SourceSite site = SiteText(s, task.wait_site);
  if (const Context* context = ListensTo(s, task)) {
    if (ProposeDerived(s, task, *context, out) || ProposeOwn(s, task, *context, out)) return;
    out.fixes.push_back(SimpleFix(
        FixKind::kCallCancel, SiteText(s, context->site),
        absl::StrCat("Cancel the context made at ", Place(s, context->site),
                     " when the work is over: the wait at ", site.ToString(), " listens to it."),
        context->cancel_lost ? "Its cancel function was dropped, so nobody can do that now."
                             : "Nobody has cancelled it."));
    return;
  }
  if (const Context* endless = ListensInVain(s, task)) {
    out.fixes.push_back(
        SimpleFix(FixKind::kAddContextCase, site,
                  absl::StrCat("The wait at ", site.ToString(),
                               " listens to a context that can never end (", WhyEndless(s, endless),
                               "): let it listen to one that is cancelled when the work is over."),
                  "The operation then ends when that context does."));
    return;
  }
  Fix fix = SimpleFix(FixKind::kAddContextCase, site,
                      absl::StrCat("At ", site.ToString(), ", ", HowTo(task.wait), "."),
                      "The operation then ends when the context does, whoever else has left.");
  if (task.context != 0 && s.snap().contexts.Find(task.context) == nullptr) {
    fix.warnings.push_back(
        "What became of the task's context is missing from this dump: if it has ended, this is "
        "what "
        "it lacks, and another rule.");
  } else if (!s.CanEnd(task.context)) {
    fix.warnings.push_back(
        absl::StrCat("The task's own context can never end (",
                     WhyEndless(s, s.snap().contexts.Find(task.context)),
                     "): it takes one that is cancelled when the work is no longer wanted."));
  } else if (s.EndedContext(task) == nullptr) {
    fix.warnings.push_back(
        "The task's context has not ended in this run: it must also be cancelled when the work is "
        "no longer wanted.");
  }
  WarnOfLocksHeld(s, task, fix);
  if (const auto place = LookAt(s, task)) {
    if (task.wait == WaitKind::kChanSend) EditSend(s, task, *place, fix);
    WarnOfCallers(s, task, *place, fix);
  }
  out.fixes.push_back(std::move(fix));
}

}  // namespace stranded::detector
