// Writes the dumps that the tests of the report page open: make_page_dumps DIRECTORY
#include <cstdio>
#include <fstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "tests/detector/dump_builder.h"

namespace stranded::detector {
namespace {

constexpr Id kFetches = 19;  // of one request, which has a handler besides

bool Save(const std::string& path, const DumpBuilder& dump) {
  std::ofstream out(path, std::ios::binary);
  out << dump.bytes();
  return out.good();
}

Context Child(Id id, Id parent, ContextKind kind, SiteId at) {
  Context context;
  context.id = id;
  context.parent = parent;
  context.kind = kind;
  context.site = at;
  return context;
}

// Five tasks, each with one fork in its hand.
void AddPhilosophers(DumpBuilder& dump, Id first) {
  const SiteId made = dump.At("dinner.cc", 10, "Table()");
  const SiteId left = dump.At("dinner.cc", 20, "Philosopher()");
  const SiteId right = dump.At("dinner.cc", 21, "Philosopher()");
  for (Id i = 0; i < 5; ++i) {
    Sync fork;
    fork.id = 100 + i;
    fork.kind = SyncKind::kMutex;
    fork.site = made;
    fork.holder_task = first + i;
    fork.holder_site = left;
    fork.waiters = 1;
    dump.Add(fork);
    TaskSpec task = Waiter(first + i, WaitKind::kMutexLock, 100 + (i + 1) % 5, right);
    task.held = {{fork.id, left, false}};
    task.task.name = "philosopher";
    task.task.context = 1;
    dump.Add(task);
  }
}

// A server: each request has a context that ended, and fetches that still want to answer.
DumpBuilder Many(Id requests) {
  DumpBuilder dump;
  dump.Add(Child(1, 0, ContextKind::kBackground, 0));
  TaskSpec main = InState(1, TaskState::kRunning);
  main.task.is_main = true;
  main.task.name = "main";
  main.task.context = 1;
  dump.Add(main).Add(Spawned(1, 1, 0));
  const SiteId accept = dump.At("server.cc", 20, "Serve()");
  const SiteId deadline = dump.At("server.cc", 31, "Handle()");
  const SiteId make = dump.At("server.cc", 32, "Handle()");
  const SiteId go = dump.At("server.cc", 33, "Handle()");
  const SiteId send = dump.At("fetch.cc", 14, "Fetch()");
  const SiteId log = dump.At("log.cc", 50, "Flush()");
  Id next = 2;
  for (Id r = 0; r < requests; ++r) {
    Context context = Ended(10 + r, deadline);
    context.parent = 1;
    context.kind = ContextKind::kTimeout;
    dump.Add(context);
    Channel answers;
    answers.id = 10 + r;
    answers.site = make;
    answers.elem_type = "int";
    answers.sends_started = answers.waiting_senders = kFetches;
    answers.creator_task = next;
    dump.Add(answers);
    const Id handler = next++;
    TaskSpec handle = Receiver(handler, 9, log);
    handle.task.name = r % 50 == 0 ? "logger" : "handler";
    handle.task.context = 1;
    handle.task.spawn = handler;
    dump.Add(handle).Add(Spawned(handler, handler, 1, accept));
    for (Id f = 0; f < kFetches; ++f, ++next) {
      TaskSpec fetch = Sender(next, 10 + r, send);
      fetch.task.name = "fetch";
      fetch.task.context = 10 + r;
      fetch.task.spawn = next;
      dump.Add(fetch).Add(Spawned(next, next, handler, go));
    }
  }
  Channel lines;
  lines.id = 9;
  lines.site = dump.At("log.cc", 12, "Open()");
  lines.elem_type = "std::string";
  lines.capacity = 64;
  lines.waiting_receivers = static_cast<std::uint32_t>(requests);
  dump.Add(lines);
  AddPhilosophers(dump, next);
  return dump.End();
}

// Names that would be markup, script, or the end of the element they stand in.
DumpBuilder Hostile() {
  const std::string attack = "</script><img src=x onerror=\"document.title='owned'\"><!--";
  const std::string no_text = "\xff\xfe\x01 \xE2\x80\xA8 line";
  DumpBuilder dump;
  const SiteId at = dump.At("a<b>&\"'.cc", 5, "f<script>alert(1)</script>()");
  Context context = Ended(5, at);
  context.cause = attack;
  dump.Add(context);
  Context value = Child(6, 5, ContextKind::kValue, at);
  value.key_type = attack;
  value.value_text = attack;
  value.value_printable = true;
  dump.Add(value);
  Channel channel;
  channel.id = 3;
  channel.site = at;
  channel.elem_type = attack;
  channel.sends_started = channel.waiting_senders = 2;
  channel.last_receiver = LastOn(99, at, PeerOutcome::kCompleted);
  channel.last_receiver.name = attack;
  dump.Add(channel);
  for (const Id id : {7, 8}) {
    TaskSpec task = Sender(id, 3, at);
    task.task.name = id == 7 ? attack : no_text;
    task.task.context = 6;
    task.task.spawn = 70 + id;
    task.task.stack_note = attack;
    dump.Add(task).Add(Spawned(70 + id, id, 70, at));
  }
  SpawnNode parent = Spawned(70, 99, 0, at);
  parent.name = attack;
  return dump.Add(parent).End();
}

}  // namespace
}  // namespace stranded::detector

int main(int argc, char** argv) {
  using namespace stranded::detector;  // NOLINT(build/namespaces)
  if (argc != 2) {
    std::fprintf(stderr, "usage: make_page_dumps DIRECTORY\n");
    return 2;
  }
  const std::string dir = absl::StrCat(argv[1], "/");
  return Save(dir + "many.strd", Many(500)) && Save(dir + "huge.strd", Many(3000)) &&
                 Save(dir + "hostile.strd", Hostile())
             ? 0
             : 1;
}
