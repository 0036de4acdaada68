// One planted leak for each cause that a report should name, and its right twin:
// causes NAME leaky|fixed. The leaks are marked by comments with their names.
#include <stranded/leak_check.h>
#include <stranded/stranded.h>

#include <cstdio>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <tuple>

#include "absl/cleanup/cleanup.h"

using namespace stranded;  // NOLINT
using absl::Milliseconds;

namespace {

// A job that is cut off from its request, and so cannot be stopped.
void Endless(bool good) {
  auto [request, cancel] = WithCancel(Background());
  const Context job = good ? request : WithoutCancel(request);  // endless: made
  Go({.name = "audit"}, job, [job] {
    Chan<int> flush;
    Select(OnRecv(flush), OnDone(job));  // endless
  });
  cancel();
}

// A loop that never looks at its context.
void Spin(bool good) {
  auto [ctx, cancel] = WithCancel(Background());
  Chan<int> values;
  Go({.name = "spinner"}, ctx, [values, ctx = ctx, good] {
    for (bool got = false; !got;) {
      Select(OnRecv(values, [&] { got = true; }), Default());  // spin
      if (good && !ctx.Err().ok()) return;
    }
  });
  this_task::SleepFor(Milliseconds(3));
  cancel();
}

void Oversized(bool good) {
  auto units = std::make_shared<Semaphore>(4);
  Go({.name = "big"}, Background(), [units, good] {
    units->Acquire(Background(), good ? 4 : 5).IgnoreError();  // oversized
  });
}

struct Gate {
  Mutex mu;
  Cond changed{mu};
  bool open = false;
};

void Signal(bool good) {
  auto gate = std::make_shared<Gate>();
  for (int i = 0; i < 3; ++i) {
    Go({.name = "waiter"}, Background(), [gate] {
      MutexLock lock(gate->mu);
      while (!gate->open) gate->changed.Wait();
    });
  }
  this_task::SleepFor(Milliseconds(1));
  MutexLock lock(gate->mu);
  gate->open = true;
  if (good) {
    gate->changed.Broadcast();
  } else {
    gate->changed.Signal();  // signal
  }
}

// Every counted task has its Done(); one is stuck before it.
void Counted(bool good) {
  Go({.name = "server"}, Background(), [good] {
    auto flight = std::make_shared<WaitGroup>();
    Chan<int> replies(good ? 1 : 0);
    flight->Add(1);
    Go({.name = "handler"}, Background(), [flight, replies] {
      const auto done = absl::MakeCleanup([&] { flight->Done(); });
      replies.Send(1);  // counted
    });
    flight->Wait();
  });
}

void Recursive(bool good) {
  auto once = std::make_shared<Once>();
  Go({.name = "init"}, Background(), [once, good] {
    once->Do([&] {
      if (!good) once->Do([] {});  // recursive
    });
  });
  Go({.name = "user"}, Background(), [once] {
    this_task::SleepFor(Milliseconds(1));
    once->Do([] {});
  });
}

void Awaits(bool good) {
  auto [ctx, cancel] = WithCancel(Background());  // awaits: made
  Go({.name = "watch"}, ctx, [ctx = ctx] { ctx.Done().Recv(); });
  if (good) cancel();
}

// A context that should have been made from the task's own.
void Nested(bool good) {
  auto [parent, cancel] = WithTimeout(Background(), Milliseconds(10));
  Go({.name = "child"}, parent, [parent = parent, good] {
    auto [ctx, stop] = WithCancel(good ? parent : Background());  // nested: made
    const auto end = absl::MakeCleanup([&stop = stop] { stop(); });
    ctx.Done().Recv();  // nested
  });
  parent.Done().Recv();
  cancel();
}

void Group(bool good) {
  Go({.name = "top"}, Background(), [good] {
    ErrGroup group(Background());
    Chan<int> feed;
    group.Go([feed, good](const Context& ctx) {
      if (good) return feed.Recv(ctx).status();
      feed.Recv();  // group
      return absl::OkStatus();
    });
    group.Go([](const Context&) { return absl::InternalError("failed"); });
    group.Wait().IgnoreError();
  });
}

void Limit(bool good) {
  Go({.name = "top"}, Background(), [good] {
    ErrGroup group(Background());
    group.SetLimit(good ? 2 : 1);  // limit: set
    group.Go([&group](const Context&) {
      group.Go([](const Context&) { return absl::OkStatus(); });  // limit
      return absl::OkStatus();
    });
    group.Wait().IgnoreError();
  });
}

// Main goes on while it holds a lock.
void Held(bool good) {
  auto mutex = std::make_shared<Mutex>();
  mutex->Lock();  // held: taken
  if (good) mutex->Unlock();
  Go({.name = "wants"}, Background(), [mutex] {
    const MutexLock lock(*mutex);  // held
  });
}

// Two channels that need room, made on adjacent lines.
void Pair(bool good) {
  Chan<int> results;
  Chan<int> log;
  for (int i = 0; i < 2; ++i) {
    Go([=] {
      results.Send(i);
      log.Send(i);
    });
  }
  for (int i = 0; i < (good ? 2 : 0); ++i) std::ignore = results.Recv(), std::ignore = log.Recv();
}

const std::map<std::string, void (*)(bool)> kCauses = {
    {"endless", &Endless}, {"spin", &Spin},       {"oversized", &Oversized},
    {"signal", &Signal},   {"counted", &Counted}, {"recursive", &Recursive},
    {"awaits", &Awaits},   {"nested", &Nested},   {"group", &Group},
    {"limit", &Limit},     {"held", &Held},       {"pair", &Pair},
};

}  // namespace

int main(int argc, char** argv) {
  const auto cause = kCauses.find(argc > 2 ? argv[1] : "");
  if (cause == kCauses.end()) {
    std::fprintf(stderr, "usage: causes NAME leaky|fixed\n");
    return 2;
  }
  const bool good = std::string(argv[2]) == "fixed";
  return CheckedMain([&] { cause->second(good); });
}
