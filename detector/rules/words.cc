// The words that rules and reports share.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "detector/rules/rule.h"

namespace stranded {

namespace {

constexpr char kInsideMaker[] = "a place inside make_shared or the like";

// Objects that the library constructs for somebody: the default argument was evaluated there.
bool Constructs(std::string_view file) {
  return file == "stl_construct.h" || file == "new_allocator.h" || file == "unique_ptr.h" ||
         file == "construct_at.h";
}

}  // namespace

std::string_view SourceSite::ConstructorOf() const {
  const std::string_view name = std::string_view(function).substr(0, function.find('('));
  const std::size_t last = name.rfind("::");
  if (last == std::string_view::npos) return "";
  const std::string_view method = name.substr(last + 2);
  // The class: "ns::Pool<T>" without what is before and behind its own name.
  std::string_view type = name.substr(0, last);
  if (const std::size_t space = type.find_last_of(' '); space != std::string_view::npos) {
    type = type.substr(space + 1);
  }
  type = type.substr(0, type.find('<'));
  if (const std::size_t inner = type.rfind("::"); inner != std::string_view::npos) {
    type = type.substr(inner + 2);
  }
  return !method.empty() && type == method ? method : "";
}

std::string SourceSite::ToString() const {
  if (!known()) return "an unknown place";
  if (!in_library()) return absl::StrCat(file, ":", line);
  const std::string name = file.substr(file.rfind('/') + 1);
  if (Constructs(name)) return kInsideMaker;
  return absl::StrCat("a place inside the C++ library (", name, ":", line, ")");
}

namespace detector {

std::string TaskText(const Task& task) {
  std::string text = absl::StrCat("task ", task.id);
  if (!task.name.empty()) absl::StrAppend(&text, " \"", std::string(task.name), "\"");
  return text;
}

std::string TaskText(const Situation& s, Id id) {
  const Task* task = s.snap().tasks.Find(id);
  if (task != nullptr) return TaskText(*task);
  return id == 0 ? "a timer" : absl::StrCat("task ", id);
}

SourceSite SiteText(const Situation& s, SiteId id) {
  const Site& site = s.dump().SiteOf(id);
  return {std::string(site.file), std::string(site.function), site.line, site.column};
}

void NoteMakers(FindingData& data) {
  const auto names = [](const std::string& text) {
    return text.find(kInsideMaker) != std::string::npos;
  };
  bool named =
      names(data.title) || names(data.channel.site.ToString()) || names(data.sync_site.ToString());
  for (const auto* lines : {&data.peer, &data.graph, &data.notes}) {
    named = named || std::any_of(lines->begin(), lines->end(), names);
  }
  if (!named) return;
  data.notes.push_back(
      "What is made inside make_shared or the like tells its own place if it is given "
      "std::source_location::current().");
}

std::string Place(const Situation& s, SiteId id) { return SiteText(s, id).ToString(); }

std::string WaitText(WaitKind kind) {
  switch (kind) {
    case WaitKind::kChanSend: return "sending on a channel";
    case WaitKind::kChanRecv: return "receiving from a channel";
    case WaitKind::kChanSendNil: return "sending on a nil channel";
    case WaitKind::kChanRecvNil: return "receiving from a nil channel";
    case WaitKind::kSelect: return "in a select";
    case WaitKind::kSelectEmpty: return "in a select without cases";
    case WaitKind::kSleep: return "sleeping";
    case WaitKind::kMutexLock: return "locking a mutex";
    case WaitKind::kRwMutexRLock: return "read-locking an RWMutex";
    case WaitKind::kRwMutexLock: return "locking an RWMutex";
    case WaitKind::kWaitGroupWait: return "waiting for a WaitGroup";
    case WaitKind::kCondWait: return "waiting for a condition";
    case WaitKind::kOnceWait: return "waiting for a Once";
    case WaitKind::kSemaphoreAcquire: return "acquiring a semaphore";
    case WaitKind::kJoin: return "joining a task";
    case WaitKind::kBlockingRegion: return "in a system call";
    case WaitKind::kLeakCheck: return "checking for leaks";
    case WaitKind::kChannel: return "sending on a channel or receiving from it";
    case WaitKind::kIo: return "waiting for input or output";
    case WaitKind::kNone: break;
  }
  return "blocked";
}

std::string WaitText(const Snapshot& snap, const Task& task) {
  if (WaitsForEnd(snap, task)) return "waiting for the end of a context";
  const Sync* sync = snap.syncs.Find(task.sync);
  if (sync == nullptr || sync->role != SyncRole::kErrGroup) return WaitText(task.wait);
  if (sync->kind != SyncKind::kSemaphore) return "in Wait() of an ErrGroup";
  return absl::StrCat("in Go() of an ErrGroup with a limit of ", sync->limit);
}

bool WaitsForEnd(const Snapshot& snap, const Task& task) {
  if (task.wait != WaitKind::kChanRecv && task.wait != WaitKind::kSelect) return false;
  return task.case_count == 1 && snap.cases[task.first_case].op == CaseOp::kDone;
}

std::string ContextAwaited(const Situation& s, const Task& task) {
  const WaitCase* done = s.FirstCase(task);
  const Context* context = done == nullptr ? nullptr : s.snap().contexts.Find(done->context);
  if (context == nullptr) return "a context";
  return absl::StrCat("the context made at ", Place(s, context->site));
}

std::string Present(const Situation& s, Id id, std::string_view without) {
  const Task* task = s.snap().tasks.Find(id);
  if (task == nullptr) return "it is gone";
  switch (task->state) {
    case TaskState::kFinished: return "it has finished since";
    case TaskState::kBlocked:
      return absl::StrCat("it is now blocked itself, ", WaitText(s.snap(), *task), " at ",
                          Place(s, task->wait_site));
    case TaskState::kSleeping: return absl::StrCat("it now sleeps at ", Place(s, task->wait_site));
    case TaskState::kSyscall: return "it is in a system call";
    default: return task->is_main ? "it went on" + std::string(without) : "it is still running";
  }
}

std::string ChannelText(const Channel* channel) {
  if (channel == nullptr) return "a channel";
  if (channel->role == ChannelRole::kTimerTick) return "a timer's channel";
  if (channel->capacity == 0) return "an unbuffered channel";
  return absl::StrCat("a channel with room for ", channel->capacity);
}

std::string SyncText(const Sync& sync) {
  if (sync.role == SyncRole::kErrGroup) {
    return sync.kind == SyncKind::kSemaphore ? "limit of an ErrGroup" : "ErrGroup";
  }
  switch (sync.kind) {
    case SyncKind::kMutex: return "mutex";
    case SyncKind::kRwMutex: return "RWMutex";
    case SyncKind::kWaitGroup: return "WaitGroup";
    case SyncKind::kCond: return "condition";
    case SyncKind::kOnce: return "Once";
    case SyncKind::kSemaphore: return "semaphore";
    case SyncKind::kUnknown: break;
  }
  return "lock";
}

std::string Operations(std::uint64_t begun, std::uint64_t completed, const char* noun) {
  const std::string of = absl::StrCat(begun, " ", noun, begun == 1 ? "" : "s");
  if (begun == completed) return absl::StrCat(of, " completed");
  return absl::StrCat(of, " begun, ", completed, " completed");
}

std::string Span(std::int64_t ns) {
  return absl::FormatDuration(absl::Trunc(
      absl::Nanoseconds(ns), ns >= 1000000000 ? absl::Milliseconds(1) : absl::Microseconds(1)));
}

std::string Ago(std::int64_t ns) {
  const std::string span = Span(ns);
  return span == "0" ? "just now" : absl::StrCat(span, " ago");
}

bool SameWait(const Situation& s, const Task& a, const Task& b) {
  const auto channel = [&](const Task& task) {
    const WaitCase* first = s.FirstCase(task);
    return first == nullptr ? 0 : first->channel;
  };
  const auto ended_it = [&](const Task& task) {
    const Context* ended = s.EndedContext(task);
    return ended != nullptr && ended->ended_by_task == task.id;
  };
  return a.wait == b.wait && a.wait_site == b.wait_site && a.sync == b.sync &&
         a.context == b.context && channel(a) == channel(b) && ended_it(a) == ended_it(b);
}

bool OneWait(const Situation& s, const Task& task) {
  if (task.crowd == 0) return true;
  const WaitCase* first = s.FirstCase(task);
  const Channel* channel = first == nullptr ? nullptr : s.snap().channels.Find(first->channel);
  const Context* context = s.snap().contexts.Find(task.context);
  return (channel == nullptr || channel->crowd == 0) && (context == nullptr || context->crowd == 0);
}

std::string NobodyIsLeft(const Situation& s, const Task& task) {
  return s.FunctionsDueIn(task.world).any() ? "no task is left" : "nobody is left";
}

std::string FunctionsText(const Situation& s, const Task& task) {
  const auto& due = s.FunctionsDueIn(task.world);
  if (!due.any()) return "";
  return absl::StrCat(
      due.timer != 0 ? absl::StrCat("The function of the TimerFunc set at ", Place(s, due.timer))
                     : absl::StrCat("The AfterFunc of the context made at ", Place(s, due.context)),
      " has yet to run, when its time comes. If that ends this wait, the task is late and not "
      "stranded: wait for it, or stop the timer, before the scope ends.");
}

std::string ThreadsText(std::uint32_t threads) {
  return absl::StrCat(
      threads,
      threads == 1 ? " thread that is no task of this world was"
                   : " threads that are no tasks of this world were",
      " alive, and woke nobody within the option outside_ms (a second). Where an answer of theirs "
      "takes longer, this may still end.");
}

Match Stuck(const Situation& s, const Task& task, bool proven_anyway, MatchKey key) {
  if (!proven_anyway && s.MayGoOn(task)) return {Answer::kLookAgain, "", {}};
  if (s.Quiet(task)) {
    const bool sure = proven_anyway || s.ThreadsBeside(task) == 0;
    return {Answer::kLeak, sure ? "proven" : "predicted", key};
  }
  if (proven_anyway) {
    if (!s.Settled(task, 0)) return {Answer::kLookAgain, "", {}};
    return {Answer::kLeak, "proven", key};
  }
  // Late, and nothing of its own scope could still come to it.
  if (s.ScopeStill(task)) return {Answer::kLeak, "outlived", key};
  if (s.ProgramOver() && s.Settled(task, 0)) return {Answer::kLeak, "outlived", key};
  return {Answer::kLookAgain, "", {}};
}

Match Cancelled(const Situation& s, const Task& task) {
  const Context* ended = s.EndedContext(task);
  if (ended == nullptr) return {};
  // Who is known to serve it and still at work gets more time, but not for ever.
  const int patience = s.Served(task) ? 10 : 1;
  const std::int64_t waited = s.snap().NowFor(task) - std::max(ended->ended_ns, task.since_ns);
  const bool patient = waited < patience * absl::ToInt64Nanoseconds(s.options().min_age);
  if (s.MayGoOn(task) && (patient || s.ScopeEnded(task))) return {Answer::kLookAgain, "", {}};
  const MatchKey key{0, ended->site, ended->ended_site};
  if (s.Quiet(task)) {
    return {Answer::kLeak, s.ThreadsBeside(task) == 0 ? "proven" : "cancelled", key};
  }
  if (!s.Settled(task, ended->ended_ns)) return {Answer::kLookAgain, "", {}};
  return {Answer::kLeak, "cancelled", key};
}

}  // namespace detector
}  // namespace stranded
