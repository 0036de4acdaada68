// Works in many ways at once until it is killed. Tasks whose names begin with "stuck" are parked
// for good before the line "ready" is printed; those called "busy" run, park and finish all the
// time. Behind that line it prints, as eight bytes each, the ids of tasks it has spawned.
#include <stranded/stranded.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "stranded/internal/check_support.h"

namespace {

using stranded::Chan;
using stranded::Context;
using stranded::Go;
using stranded::Mutex;
using stranded::Select;

template <class F>
stranded::TaskHandle Start(const char* name, F f) {
  return Go({.name = name}, stranded::Background(), std::move(f));
}

struct Stuck {
  Chan<int> sends, left, right, served;
  Mutex one, two;
  stranded::WaitGroup never;
  stranded::Semaphore none{0};
};

void GetStuck(Stuck& s) {
  auto [ctx, cancel] = stranded::WithCancel(stranded::Background());
  for (int i = 0; i < 3; ++i) Go({.name = "stuck-send"}, ctx, [&s] { s.sends.Send(1); });
  Start("stuck-nil", [] { std::ignore = Chan<int>::Nil().Recv(); });
  Start("stuck-select", [&s] {
    Select(stranded::OnRecv(s.left, [](auto) {}), stranded::OnRecv(s.right, [](auto) {}));
  });
  s.never.Go(stranded::SpawnOptions{.name = "stuck-counted"},
             [] { std::ignore = Chan<int>::Nil().Recv(); });
  Start("stuck-wait", [&s] { s.never.Wait(); });
  Chan<int> both;
  Start("stuck-lock", [&s, both] {
    s.one.Lock();
    both.Send(1);
    s.two.Lock();
  });
  Start("stuck-lock", [&s, both] {
    s.two.Lock();
    std::ignore = both.Recv();
    s.one.Lock();
  });
  cancel();
}

// Parks at one place time after time: its record then says little more than that it did so again.
void GetStuckAgain(Stuck& s) {
  Start("stuck-again", [&s] {
    for (;;) std::ignore = s.served.Recv();
  });
  for (int i = 0; i < 3; ++i) {
    stranded::internal::WaitUntilQuiet(nullptr, absl::Seconds(30));
    s.served.Send(i);
  }
}

void PingPong() {
  const Chan<int> there, back;
  Start("busy", [=] {
    for (const int i : there) back.Send(i);
  });
  for (int i = 0;; ++i) {
    there.Send(i);
    std::ignore = back.Recv();
  }
}

void Pipeline() {
  const Chan<int> items(16);
  Start("busy", [=] {
    for (;;) items.Send(1);
  });
  for (const int i : items) std::ignore = i;
}

void Contexts() {
  for (;;) {
    auto [ctx, cancel] = stranded::WithCancel(stranded::Background());
    const Chan<int> results;
    stranded::TaskHandle tasks[4];
    for (stranded::TaskHandle& task : tasks) {
      task =
          Go({.name = "busy"}, ctx, [ctx = ctx, results] { std::ignore = results.Send(ctx, 1); });
    }
    std::ignore = results.Recv();
    cancel();
    for (const stranded::TaskHandle& task : tasks) task.Join();
  }
}

void Locks() {
  Mutex mutex;
  for (int i = 0; i < 3; ++i) {
    Start("busy", [&mutex] {
      for (;;) {
        mutex.Lock();
        stranded::this_task::Yield();
        mutex.Unlock();
      }
    });
  }
  std::ignore = Chan<int>::Nil().Recv();
}

// On a thread of its own, so that nothing else stands in its ring.
void SpawnAndTell() {
  for (;;) {
    const stranded::TaskHandle task = Start("busy", [] {});
    const auto id = task.Id().value;
    if (write(STDOUT_FILENO, &id, sizeof id) != sizeof id) _exit(1);
    task.Join();
  }
}

}  // namespace

int main() {
  static auto& stuck = *new Stuck;
  GetStuck(stuck);
  GetStuckAgain(stuck);
  stranded::internal::WaitUntilQuiet(nullptr, absl::Seconds(30));
  if (write(STDOUT_FILENO, "ready\n", 6) != 6) return 1;
  Start("busy", &PingPong);
  Start("busy", &Pipeline);
  Start("busy", &Contexts);
  Start("stuck-mutexes", &Locks);
  SpawnAndTell();
}
