// What is worth trying against a finding, as virtual patches.
#include <algorithm>
#include <set>
#include <tuple>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "detector/fixes/distinct_waits.h"
#include "detector/fixes/fixes.h"
#include "detector/fixes/give_back.h"
#include "detector/fixes/source_edit.h"

namespace stranded::detector {
namespace {

class Candidates {
 public:
  Candidates(const Situation& s, const Group& group, FindingData& out)
      : s_(s), task_(*group.tasks.front()), group_(group), out_(out) {}

  void List();

 private:
  // `besides`: patches that go along.
  void Add(Fix fix, const std::string& kind, const SourceSite& at, const std::string& besides = "");
  void AddProposed(FixKind kind, const std::string& patch);
  void GiveUp(const Task& task);
  void GiveUpOrReturn(const Task& task);
  void WithContext(const Task& task);
  void OrSkip(const Task& task, std::size_t known);
  void GiveUpWithStop(const Task& task, const Channel& channel);
  void Close(const Channel& channel);
  void Cancel(const Context& context);
  void CancelAtOrAbove(const Context& context, const Task& task);
  void Release(const Task& waiter);
  void ForSend(const Task& task);
  void Room();
  void EndWhatItListensTo(const Task& task);
  void ForReceive(const Task& task, bool close_first);
  void ForSelect(const Task& task);
  void ForLock();
  void TieToContext();
  void ForWait(const Task& task);
  const Context* ListenedTo(const Task& task) const;
  const Context* Canceller(Id context) const;
  bool EndedItsContextItself(const Task& task) const;
  bool LeftByStop(const Channel& channel) const;

  const Situation& s_;
  const Task& task_;
  const Group& group_;
  FindingData& out_;
};

void Candidates::Add(Fix fix, const std::string& kind, const SourceSite& at,
                     const std::string& besides) {
  if (!at.known()) return;
  fix.patch = PatchText(kind, at);
  if (!besides.empty()) absl::StrAppend(&fix.patch, ",", besides);
  for (const Fix& known : out_.candidates) {
    if (known.patch == fix.patch) return;
  }
  out_.candidates.push_back(std::move(fix));
}

// What the rule proposed already, with its diff and warnings.
void Candidates::AddProposed(FixKind kind, const std::string& patch) {
  for (const Fix& fix : out_.fixes) {
    if (fix.kind == kind) Add(fix, patch, fix.site);
  }
}

// An operation that can stand in a Select, or be replaced by one.
bool Selectable(WaitKind wait) {
  return wait == WaitKind::kChanSend || wait == WaitKind::kChanRecv || wait == WaitKind::kSelect ||
         wait == WaitKind::kSleep;
}

// A sender that gives up returns. Where others send to it, it may have to go on instead, without
// its value: the same once more for each candidate from `known` on.
void Candidates::OrSkip(const Task& task, std::size_t known) {
  if (task.wait != WaitKind::kChanSend) return;
  const SourceSite site = SiteText(s_, task.wait_site);
  const auto source = FindSource(site.file, s_.options().source_root);
  for (std::size_t end = out_.candidates.size(); known < end; ++known) {
    Fix fix = out_.candidates[known];
    const std::size_t kind = std::min(fix.patch.find('('), fix.patch.find('@'));
    fix.patch.replace(kind, fix.patch.find('@') - kind, "(skip)");
    fix.summary = absl::StrCat(absl::StripSuffix(fix.summary, "."),
                               ". Its task then goes on, without the value.");
    fix.diff.clear();
    // Of one that returns.
    std::erase_if(fix.warnings, [](const std::string& warning) {
      return warning == kReturnsToCallers || warning.starts_with(kLeavesOut);
    });
    fix.warnings.push_back(
        "Where that is in a loop, the loop must come to its end: the context has ended, and the "
        "task "
        "with it should.");
    if (source.has_value() && fix.patch.starts_with("context")) {
      if (const auto edited = WithContextSkip(source->lines, site.line)) {
        fix.diff = DiffOfLine(*source, site.line, *edited);
      }
    }
    out_.candidates.push_back(std::move(fix));
  }
}

void Candidates::GiveUp(const Task& task) {
  if (!Selectable(task.wait)) return;
  const std::size_t known = out_.candidates.size();
  GiveUpOrReturn(task);
  OrSkip(task, known);
}

void Candidates::GiveUpOrReturn(const Task& task) {
  const Channel* channel = s_.ChannelOf(task);
  if (channel != nullptr && task.wait == WaitKind::kChanSend) {
    GiveUpWithStop(task, *channel);
    if (!out_.candidates.empty() &&
        out_.candidates.back().patch == PatchText("giveup", SiteText(s_, task.wait_site))) {
      return;
    }
  }
  WithContext(task);
  if (s_.EndedContext(task) != nullptr) return;
  const SourceSite site = SiteText(s_, task.wait_site);
  Fix fix = SimpleFix(FixKind::kAddContextCase, site,
                      absl::StrCat("At ", site.ToString(),
                                   ", wait in a Select beside a channel that is closed, or a "
                                   "context that is cancelled, when nobody will come to the other "
                                   "side any more."),
                      "The operation then ends when the other side has left.");
  WarnOfLocksHeld(s_, task, fix);
  WarnOfCallers(s_, task, fix);
  Add(std::move(fix), "giveup", site);
}

// Of this operation: its line may have others.
std::string ContextPatch(const Task& task) {
  return task.wait == WaitKind::kChanSend   ? "context(send)"
         : task.wait == WaitKind::kChanRecv ? "context(recv)"
                                            : "context";
}

// Listening to the task's own context helps where that ends, or can be made to.
void Candidates::WithContext(const Task& task) {
  const SourceSite site = SiteText(s_, task.wait_site);
  const std::string patch = ContextPatch(task);
  if (s_.EndedContext(task) != nullptr) {
    if (&task == &task_) {
      AddProposed(FixKind::kAddContextCase, patch);
      AddProposed(FixKind::kStopTask, patch);
    }
    Add(SimpleFix(FixKind::kAddContextCase, site,
                  absl::StrCat("At ", site.ToString(), ", wait in a Select beside OnDone(ctx)."),
                  "The operation then ends when the context does."),
        patch, site);
    return;
  }
  const Context* context = Canceller(task.context);
  if (context == nullptr || context->creator_task == task.id || !site.known()) return;
  if (context->err != ContextErr::kNone) return;
  const SourceSite made = SiteText(s_, context->site);
  Add(SimpleFix(FixKind::kAddContextCase, site,
                absl::StrCat("At ", site.ToString(),
                             ", wait in a Select beside OnDone(ctx), and cancel the context made "
                             "at ",
                             made.ToString(), " when its owner's work is over."),
                "The operation then ends with the work it belongs to."),
      patch, site, PatchText("cancel", made));
}

// The receiver left by another channel of the program that was made elsewhere: not a second result
// of the same work.
bool Candidates::LeftByStop(const Channel& channel) const {
  const Peer& peer = channel.last_receiver;
  if (peer.outcome != PeerOutcome::kLeft || peer.left_op != CaseOp::kRecv) return false;
  return peer.left_made != 0 &&
         SiteText(s_, peer.left_made).function != SiteText(s_, channel.site).function;
}

// Then the sender can listen to the same.
void Candidates::GiveUpWithStop(const Task& task, const Channel& channel) {
  const Peer& peer = channel.last_receiver;
  if (!LeftByStop(channel)) return;
  const SourceSite site = SiteText(s_, task.wait_site);
  Fix fix = SimpleFix(FixKind::kAddContextCase, site,
                      absl::StrCat("At ", site.ToString(),
                                   ", send in a Select beside a receive from the channel made at ",
                                   Place(s_, peer.left_made), ", by which the receiver left at ",
                                   Place(s_, peer.left_site), "."),
                      "What tells the receiver to stop then tells the sender, too.");
  const Channel* stop = s_.snap().channels.Find(peer.left_channel);
  if (stop == nullptr || !stop->closed) {
    fix.warnings.push_back(
        "If that channel is sent on, close it instead: one value reaches one task only.");
  }
  WarnOfLocksHeld(s_, task, fix);
  WarnOfCallers(s_, task, fix);
  Add(std::move(fix), "giveup", site);
}

void Candidates::Close(const Channel& channel) {
  if (channel.role != ChannelRole::kUser || channel.closed) return;
  AddProposed(FixKind::kCloseChannel, "close");
  const SourceSite site = SiteText(s_, channel.site);
  Add(SimpleFix(FixKind::kCloseChannel, site,
                absl::StrCat("Close the channel made at ", site.ToString(),
                             " when nothing more will be sent."),
                "A receive on a closed channel returns."),
      "close", site);
}

// That context and those above it, but for what the stuck task would have to cancel itself.
void Candidates::CancelAtOrAbove(const Context& context, const Task& task) {
  const Context* c = &context;
  for (std::size_t steps = 0; c != nullptr && steps < 4096; ++steps) {
    if (c->creator_task != task.id || c->cancel_lost) Cancel(*c);
    if (c->kind == ContextKind::kWithoutCancel) return;
    c = s_.snap().contexts.Find(c->parent);
  }
}

void Candidates::Cancel(const Context& context) {
  if (!context.has_cancel_func || context.err != ContextErr::kNone) return;
  const SourceSite site = SiteText(s_, context.site);
  Add(SimpleFix(FixKind::kCallCancel, site,
                absl::StrCat("Cancel the context made at ", site.ToString(),
                             " when its owner's work is over."),
                "Everything that listens to it then ends."),
      "cancel", site);
}

// The locks that keep `waiter` waiting, where they were taken.
void Candidates::Release(const Task& waiter) {
  const Sync* sync = s_.snap().syncs.Find(waiter.sync);
  if (sync == nullptr) return;
  std::vector<SiteId> sites;
  if (sync->holder_task != 0) sites.push_back(sync->holder_site);
  if (sync->readers > 0) {
    for (const auto& hold : s_.ReadersOf(sync->id)) sites.push_back(hold.site);
  }
  // Of other readers the last one is known. If that one gave back, it need not be its turn.
  const bool gave_back = sync->last_done.task == sync->last_add.task;
  if (sites.empty() && sync->readers > 0 && !gave_back) sites.push_back(sync->last_add.site);
  std::set<SiteId> seen;
  for (const SiteId id : sites) {
    if (!seen.insert(id).second) continue;
    const SourceSite site = SiteText(s_, id);
    Fix fix = SimpleFix(FixKind::kReleaseBeforeWait, site,
                        absl::StrCat("Unlock what is locked at ", site.ToString(),
                                     " before its holder blocks or returns."),
                        "Those that wait for the lock can then go on.");
    fix.warnings.push_back(
        "What the lock protects is open to others from there on, before its holder is done.");
    Add(std::move(fix), "release", site);
  }
}

const Context* Candidates::Canceller(Id context) const {
  const Context* c = s_.snap().contexts.Find(context);
  for (std::size_t steps = 0; c != nullptr && steps < 4096; ++steps) {
    if (c->has_cancel_func) return c;
    if (c->kind == ContextKind::kWithoutCancel) return nullptr;
    c = s_.snap().contexts.Find(c->parent);
  }
  return nullptr;
}

// The context whose end the wait listens to.
const Context* Candidates::ListenedTo(const Task& task) const {
  for (std::uint32_t i = 0; i < task.case_count; ++i) {
    const WaitCase& c = s_.snap().cases[task.first_case + i];
    if (c.op == CaseOp::kDone) return Canceller(c.context);
    const Channel* channel = s_.snap().channels.Find(c.channel);
    if (channel != nullptr && channel->role == ChannelRole::kContextDone) {
      return Canceller(channel->context);
    }
  }
  return nullptr;
}

bool Candidates::EndedItsContextItself(const Task& task) const {
  const Context* ended = s_.EndedContext(task);
  return ended != nullptr && ended->ended_by_task == task.id;
}

void Candidates::ForSend(const Task& task) {
  // Where the context has ended and nobody ever came to receive, or the sender ended it itself, the
  // context is the sign to go; and so is the channel that told the receiver to stop, if it was made
  // for that and not beside this one, as a second result. Where a receiver was there and left, the
  // sender owes a result: room for it is the smaller edit.
  const Channel* channel = s_.ChannelOf(task);
  const bool listen_first = EndedItsContextItself(task) ||
                            (s_.EndedContext(task) != nullptr && channel != nullptr &&
                             channel->last_receiver.outcome == PeerOutcome::kNone) ||
                            (channel != nullptr && LeftByStop(*channel));
  if (listen_first) GiveUp(task);
  Room();
  GiveUp(task);
}

// The buffers that the report proposes.
void Candidates::Room() {
  for (const Fix& fix : std::vector<Fix>(out_.fixes)) {
    if (fix.kind == FixKind::kRaiseCapacity) {
      Add(fix, absl::StrCat("capacity(", fix.capacity, ")"), fix.site);
    }
  }
}

// What the wait listens to is cancelled; the task's own context first, if that has ended.
void Candidates::EndWhatItListensTo(const Task& task) {
  const Context* context = ListenedTo(task);
  if (context == nullptr) return;
  if (s_.EndedContext(task) != nullptr && context->creator_task != task.id) GiveUp(task);
  CancelAtOrAbove(*context, task);
}

void Candidates::ForReceive(const Task& task, bool close_first) {
  EndWhatItListensTo(task);
  const Channel* channel = s_.ChannelOf(task);
  if (close_first && channel != nullptr) Close(*channel);
  GiveUp(task);
  if (!close_first && channel != nullptr) Close(*channel);
}

void Candidates::ForSelect(const Task& task) {
  EndWhatItListensTo(task);
  if (s_.EndedContext(task) != nullptr) GiveUp(task);  // then that is what it did not look at
  for (std::uint32_t i = 0; i < task.case_count; ++i) {
    const WaitCase& c = s_.snap().cases[task.first_case + i];
    const Channel* channel = s_.snap().channels.Find(c.channel);
    if (c.op == CaseOp::kRecv && channel != nullptr) Close(*channel);
  }
  GiveUp(task);
  Room();  // who listens to something is meant to leave rather than to go on
}

// Every lock wait of the group, and what the holder at the end of the chain waits for.
void Candidates::ForLock() {
  for (const Task* task : DistinctWaits(s_, group_, true)) Release(*task);
  for (const Task* task : DistinctWaits(s_, group_, false)) ForWait(*task);
}

// make_shared says of what it makes where it stands itself.
bool Known(const SourceSite& made) { return made.known() && !made.in_library(); }

void Candidates::ForWait(const Task& task) {
  const Sync* sync = s_.snap().syncs.Find(task.sync);
  const SourceSite made = sync == nullptr ? SourceSite() : SiteText(s_, sync->site);
  switch (task.wait) {
    case WaitKind::kChanSend: ForSend(task); break;
    case WaitKind::kChanRecv: {
      const bool cancelled = out_.rule == "cancelled-recv";
      ForReceive(task, !cancelled && !LooksLikePool(s_, task));
      break;
    }
    case WaitKind::kSelect: ForSelect(task); break;
    case WaitKind::kWaitGroupWait:
      for (const Fix& fix : std::vector<Fix>(out_.fixes)) {
        if (fix.kind == FixKind::kAddDone && sync != nullptr) {
          Add(fix, "done", Known(made) ? made : SiteText(s_, sync->last_add.site));
        }
      }
      break;
    case WaitKind::kCondWait:
      for (const Fix& fix : std::vector<Fix>(out_.fixes)) {
        if (fix.kind == FixKind::kSignal) {
          Add(fix, "signal", Known(made) ? made : SiteText(s_, task.wait_site));
        }
      }
      break;
    default: break;
  }
}

// A loop that wakes up by itself and goes on: it must listen to its context, and that must end.
void Candidates::TieToContext() {
  const Context* context = Canceller(task_.context);
  const bool own = context != nullptr && context->creator_task == task_.id;
  if (ListenedTo(task_) != nullptr || context == nullptr || own) return;
  if (context->err != ContextErr::kNone) return;
  const SourceSite site = SiteText(s_, context->site), wait = SiteText(s_, task_.wait_site);
  if (!wait.known()) return;
  Add(SimpleFix(FixKind::kCallCancel, site,
                absl::StrCat("Cancel the context made at ", site.ToString(),
                             " when its owner's work is over, and let the loop listen to it: at ",
                             wait.ToString(), ", wait in a Select beside OnDone(ctx)."),
                "The loop then ends with the work it belongs to."),
      "cancel", site, PatchText("giveup", wait));
}

void Candidates::List() {
  if (out_.rule == "outlived-scope") TieToContext();
  // A rule that knows the answer already comes first: the context that is never cancelled.
  AddProposed(FixKind::kCallCancel, "cancel");
  ForLock();
  if (out_.rule == "outlived-scope") {
    if (const Context* context = ListenedTo(task_)) CancelAtOrAbove(*context, task_);
    if (const Context* context = Canceller(task_.context)) {
      CancelAtOrAbove(*context, task_);
    }
    GiveUp(task_);
  }
}

}  // namespace

std::string PatchText(const std::string& kind, const SourceSite& site) {
  return absl::StrCat(kind, "@", site.file, "#", site.line);
}

void ListCandidates(const Situation& s, const Group& group, FindingData& out) {
  Candidates(s, group, out).List();
  // A fix of the report that was not covered yet.
  for (Fix& fix : out.fixes) {
    for (const Fix& candidate : out.candidates) {
      if (fix.patch.empty() && candidate.kind == fix.kind && candidate.site.line == fix.site.line) {
        fix.patch = candidate.patch;
      }
    }
  }
}

}  // namespace stranded::detector
