// Two locks in both orders by two tasks that are there at the same time: nothing is stuck in this
// run, since neither blocks in between. With an argument it is right: "guarded", by a third lock
// around both, or "parents", where those hold it who wait for the two; by what the second one, or
// who starts it, waited for ("joined", "waited", "received", "closed", "once") or looked at
// ("finished", "sized", "ended"); "tried", as the second one would not wait; "outside" and "timer",
// by what the runtime does not see.
#include <stranded/leak_check.h>
#include <stranded/stranded.h>

#include <memory>
#include <string>
#include <thread>

using namespace stranded;  // NOLINT

namespace {

struct Accounts {
  Mutex all, first, second;
  Once once;
};

void Both(bool guarded, Mutex& all, Mutex& one, Mutex& other) {
  if (guarded) all.Lock();
  one.Lock();
  other.Lock();
  other.Unlock();
  one.Unlock();
  if (guarded) all.Unlock();
}

// Returns when the first task has done its part, if `how` is a way to wait for that.
void AwaitFirst(const std::string& how, const std::shared_ptr<Accounts>& a) {
  auto done = std::make_shared<WaitGroup>();
  Chan<int> told(1);
  auto [ctx, cancel] = WithCancel(Background());
  done->Add(1);
  const auto body = [=, cancel = cancel] {
    if (how == "once") {
      a->once.Do([a] { Both(false, a->all, a->first, a->second); });
    } else if (how != "parents") {
      Both(how == "guarded", a->all, a->first, a->second);
    } else {
      const MutexLock held(a->all);
      Go({.name = "child"}, [a] { Both(false, a->all, a->first, a->second); }).Join();
    }
    done->Done();
    if (how == "closed") {
      told.Close();
    } else {
      told.Send(1);
    }
    cancel();
  };
  if (how == "outside") return std::thread([&] { Go(body).Join(); }).join();
  const TaskHandle first = Go({.name = "first"}, Background(), body);
  if (how == "joined") first.Join();
  if (how == "waited") done->Wait();
  if (how == "received") told.Recv();
  if (how == "closed") told.Recv();
  while (how == "finished" && !first.Finished()) this_task::Yield();
  while (how == "sized" && told.size() == 0) this_task::Yield();
  while (how == "ended" && ctx.Err().ok()) this_task::Yield();
}

void Second(const std::string& how, const std::shared_ptr<Accounts>& a) {
  if (how == "parents") {
    const MutexLock held(a->all);
    return Go([a] { Both(false, a->all, a->second, a->first); }).Join();
  }
  if (how == "once") a->once.Do([] {});
  if (how != "tried") return Both(how == "guarded", a->all, a->second, a->first);
  const MutexLock held(a->second);
  if (a->first.TryLock()) a->first.Unlock();
}

// Main itself is the first.
void AfterATimer(const std::shared_ptr<Accounts>& a) {
  Both(false, a->all, a->first, a->second);
  WaitGroup done;
  done.Add(1);
  const auto timer = TimerFunc(absl::Milliseconds(1), [&done, a] {
    Go({.name = "second"}, Background(), [&done, a] {
      Both(false, a->all, a->second, a->first);
      done.Done();
    });
  });
  done.Wait();
}

}  // namespace

int main(int argc, char** argv) {
  const std::string how = argc > 1 ? argv[1] : "";
  return CheckedMain([how] {
    auto a = std::make_shared<Accounts>();
    if (how == "timer") return AfterATimer(a);
    AwaitFirst(how, a);
    Go({.name = "second"}, Background(), [a, how] { Second(how, a); }).Join();
  });
}
