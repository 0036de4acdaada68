// All that is known of one channel, lock or context, and who has to do with it.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "detector/input/all_tasks.h"
#include "detector/report/show_page.h"
#include "detector/rules/evidence.h"
#include "stranded/report.h"

namespace stranded {

using namespace detector;  // NOLINT(build/namespaces)

namespace {

// Calls `page` with the situation, if the dump has one.
template <class F>
std::string WithSituation(const Analysis& analysis, F page) {
  if (analysis.dump == nullptr || analysis.dump->snapshots.empty()) return "";
  const AnalysisOptions plain;
  const auto dump = WithAllTasks(analysis.dump);
  return page(Situation(*dump, dump->snapshots.back(), plain));
}

void Waiting(const Situation& s, const std::vector<const Task*>& tasks, ShowPage& page) {
  for (std::size_t i = 0; i < std::min(tasks.size(), kMostShown); ++i) {
    page.Row("waits", absl::StrCat(TaskText(*tasks[i]), " ", Doing(s, *tasks[i])));
  }
  page.More(tasks.size());
  for (std::size_t i = 0; i < std::min<std::size_t>(tasks.size(), 3); ++i) {
    page.NextTask(s, tasks[i]->id, "a task that waits");
  }
}

std::vector<const Task*> WaitingFor(const Situation& s, const Channel& channel) {
  std::vector<const Task*> tasks;
  for (const Task& t : s.snap().tasks.all()) {
    for (std::uint32_t i = 0; i < t.case_count; ++i) {
      if (s.snap().cases[t.first_case + i].channel != channel.id) continue;
      tasks.push_back(&t);
      break;
    }
  }
  return tasks;
}

std::string ChannelPage(const Situation& s, const Channel& c, const ShowOptions& o) {
  ShowPage page(
      absl::StrCat("channel ", c.id, ", ", ChannelText(&c), " of ", TypeText(c.elem_type)), o);
  page.Row("made", absl::StrCat("at ", Place(s, c.site), " by ", TaskText(s, c.creator_task)));
  page.Row("holds", absl::StrCat(c.length, " of ", c.capacity, ", at most ", c.high_water));
  page.Row("sends", absl::StrCat(c.sends_started, " begun, ", c.sends_completed, " completed"));
  page.Row("receives", absl::StrCat(c.recvs_started, " begun, ", c.recvs_completed, " completed"));
  if (c.closed) {
    page.Row("closed",
             absl::StrCat("at ", Place(s, c.closed_site), " by ", TaskText(s, c.closed_by_task)));
  }
  const std::vector<const Task*> waiting = WaitingFor(s, c);
  Waiting(s, waiting, page);
  if (waiting.size() > 3) {
    page.NextCommand(absl::StrCat("tasks ", o.file, " --channel ", c.id), "all that wait for it");
  }
  if (!waiting.empty()) {
    for (const std::string& line : DescribePeer(s, *waiting.front(), c)) page.Row("peer", line);
  }
  page.NextTask(s, c.last_sender.task, "the last sender");
  page.NextTask(s, c.last_receiver.task, "the last receiver");
  page.NextTask(s, c.creator_task, "who made it");
  if (s.snap().contexts.Find(c.context) != nullptr) {
    page.Next(absl::StrCat("context:", c.context), "the context whose Done() it is");
  }
  return page.Text();
}

// What the two peers did, and who is asked for next.
struct PeerWords {
  const char *first, *who_first, *second, *who_second;
};

PeerWords WordsFor(const Sync& sync) {
  switch (sync.kind) {
    case SyncKind::kWaitGroup:
      if (sync.role == SyncRole::kErrGroup) {
        return {"started", "who called Go() last", "ended", "the last task to end"};
      }
      return {"added", "who added last", "done", "who called Done() last"};
    case SyncKind::kSemaphore:
      return {"taken", "who acquired last", "returned", "who released last"};
    case SyncKind::kRwMutex:
      return {"read", "who locked it for reading last", "unlocked", "who unlocked it last"};
    default: return {"taken", "who took it last", "unlocked", "who unlocked it last"};
  }
}

void Members(const Situation& s, const Sync& sync, ShowPage& page) {
  const auto members = s.MembersOf(sync.id);
  for (std::size_t i = 0; i < std::min(members.size(), kMostShown); ++i) {
    const Task& task = s.snap().tasks.all()[members[i]];
    page.Row(i == 0 ? "counts" : "", absl::StrCat(TaskText(task), " ", Doing(s, task)));
    if (i < 3) page.NextTask(s, task.id, "a task that it counts");
  }
  page.More(members.size());
}

std::string SyncPage(const Situation& s, const Sync& sync, const ShowOptions& o) {
  ShowPage page(absl::StrCat("sync ", sync.id, ", ", SyncText(sync)), o);
  page.Row("made", absl::StrCat("at ", Place(s, sync.site)));
  if (sync.holder_task != 0) {
    page.Row("held", absl::StrCat("by ", TaskText(s, sync.holder_task), " since ",
                                  Place(s, sync.holder_site)));
    page.NextTask(s, sync.holder_task, "the holder");
  }
  if (sync.readers > 0) page.Row("readers", absl::StrCat(sync.readers));
  const auto& reads = s.ReadersOf(sync.id);
  for (std::size_t i = 0; i < reads.size() && i < kMostShown; ++i) {
    page.Row(i == 0 ? "read" : "",
             absl::StrCat("by ", TaskText(*reads[i].task), " since ", Place(s, reads[i].site)));
    page.NextTask(s, reads[i].task->id, "a reader");
  }
  page.More(reads.size());
  if (sync.kind == SyncKind::kWaitGroup) page.Row("counter", absl::StrCat(sync.counter));
  if (sync.kind == SyncKind::kSemaphore) {
    page.Row("units", absl::StrCat(sync.counter, " of ", sync.limit, " free"));
  }
  Members(s, sync, page);
  const PeerWords words = WordsFor(sync);
  const struct {
    const char *label, *who;
    const SyncPeer& peer;
  } last[] = {{words.first, words.who_first, sync.last_add},
              {words.second, words.who_second, sync.last_done},
              {"signalled", "who signalled last", sync.last_signal}};
  for (const auto& [label, who, peer] : last) {
    if (peer.site == 0) continue;
    page.Row(label, absl::StrCat("last by ", TaskText(s, peer.task), " at ", Place(s, peer.site)));
    page.NextTask(s, peer.task, who);
  }
  std::vector<const Task*> waiting;
  for (const Task& t : s.snap().tasks.all()) {
    if (t.sync == sync.id) waiting.push_back(&t);
  }
  Waiting(s, waiting, page);
  return page.Text();
}

std::string ContextTitle(const Context& c) {
  return absl::StrCat("context ", c.id, ", ", ContextKindText(c.kind));
}

// Background is made nowhere.
std::string TitleAndPlace(const Situation& s, const Context& c) {
  return absl::StrCat(ContextTitle(c), c.site == 0 ? "" : absl::StrCat(" at ", Place(s, c.site)));
}

void ContextEnd(const Situation& s, const Context& c, ShowPage& page) {
  if (c.err == ContextErr::kNone) {
    page.Row("ended", c.kind == ContextKind::kBackground || c.kind == ContextKind::kTodo
                          ? "no: it never ends"
                          : "no");
    return;
  }
  Task probe;
  probe.context = c.id;
  const ContextStep step = DescribeContexts(s, probe).front();
  std::string text = absl::StrCat(step.err, " ", Ago(step.ended_ago_ns));
  if (step.origin) {
    absl::StrAppend(&text, ", by ", step.ended_by);
    if (step.ended_site.known()) absl::StrAppend(&text, " at ", step.ended_site.ToString());
  } else {
    absl::StrAppend(&text, ", with context ", c.ended_origin);
    page.Next(absl::StrCat("context:", c.ended_origin), "where the end began");
  }
  if (!step.cause.empty()) absl::StrAppend(&text, "; cause: ", step.cause);
  page.Row("ended", text);
  page.NextTask(s, c.ended_by_task, "who ended it");
}

void ContextFamily(const Situation& s, const Context& c, ShowPage& page) {
  if (const Context* parent = s.snap().contexts.Find(c.parent)) {
    page.Row("below", TitleAndPlace(s, *parent));
    page.Next(absl::StrCat("context:", parent->id), "the one above");
  }
  std::vector<const Context*> children;
  for (const Context& child : s.snap().contexts.all()) {
    if (child.parent == c.id && child.id != c.id) children.push_back(&child);
  }
  for (std::size_t i = 0; i < std::min(children.size(), kMostShown); ++i) {
    page.Row("above", TitleAndPlace(s, *children[i]));
    if (i < 3) page.Next(absl::StrCat("context:", children[i]->id), "one below");
  }
  page.More(children.size());
}

std::string ContextPage(const Situation& s, const Context& c, const ShowOptions& o) {
  ShowPage page(ContextTitle(c), o);
  if (c.site != 0) {
    page.Row("made", absl::StrCat("at ", Place(s, c.site),
                                  c.creator_task == 0 ? "" : " by " + TaskText(s, c.creator_task)));
  }
  if (c.value_printable) {
    page.Row("value", absl::StrCat(TypeText(c.key_type), " = ", std::string(c.value_text)));
  }
  ContextEnd(s, c, page);
  ContextFamily(s, c, page);
  std::vector<const Task*> tasks;
  for (const Task& t : s.snap().tasks.all()) {
    if (t.context == c.id && t.state != TaskState::kFinished) tasks.push_back(&t);
  }
  for (std::size_t i = 0; i < std::min(tasks.size(), kMostShown); ++i) {
    page.Row("task", absl::StrCat(TaskText(*tasks[i]), " ", Doing(s, *tasks[i])));
    if (i < 3) page.NextTask(s, tasks[i]->id, "a task in it");
  }
  page.More(tasks.size());
  page.NextCommand(absl::StrCat("tasks ", o.file, " --context ", c.id), "all tasks in it or below");
  if (s.snap().channels.Find(c.done_channel) != nullptr) {
    page.Next(absl::StrCat("channel:", c.done_channel), "its Done()");
  }
  page.NextTask(s, c.creator_task, "who made it");
  return page.Text();
}

}  // namespace

std::string ShowChannel(const Analysis& analysis, std::uint64_t id, const ShowOptions& options) {
  return WithSituation(analysis, [&](const Situation& s) {
    const Channel* c = s.snap().channels.Find(id);
    return c == nullptr ? "" : ChannelPage(s, *c, options);
  });
}

std::string ShowSync(const Analysis& analysis, std::uint64_t id, const ShowOptions& options) {
  return WithSituation(analysis, [&](const Situation& s) {
    const Sync* sync = s.snap().syncs.Find(id);
    return sync == nullptr ? "" : SyncPage(s, *sync, options);
  });
}

std::string ShowContext(const Analysis& analysis, std::uint64_t id, const ShowOptions& options) {
  return WithSituation(analysis, [&](const Situation& s) {
    const Context* c = s.snap().contexts.Find(id);
    return c == nullptr ? "" : ContextPage(s, *c, options);
  });
}

}  // namespace stranded
