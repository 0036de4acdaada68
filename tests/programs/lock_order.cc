// Two locks in both orders by two tasks that are there at the same time: nothing is stuck in this
// run, since neither blocks in between. With an argument it is right: "guarded", by a third lock
// around both; "joined", by a join before the other task starts; "waited", by a wait group;
// "received", by a value; "closed", by the close of a channel.
#include <stranded/leak_check.h>
#include <stranded/stranded.h>

#include <memory>
#include <string>

using namespace stranded;  // NOLINT

namespace {

struct Accounts {
  Mutex all, first, second;
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
  done->Add(1);
  const TaskHandle first = Go({.name = "first"}, Background(), [=] {
    Both(how == "guarded", a->all, a->first, a->second);
    done->Done();
    if (how == "closed") {
      told.Close();
    } else {
      told.Send(1);
    }
  });
  if (how == "joined") first.Join();
  if (how == "waited") done->Wait();
  if (how == "received") told.Recv();
  if (how == "closed") told.Recv();
}

}  // namespace

int main(int argc, char** argv) {
  const std::string how = argc > 1 ? argv[1] : "";
  return CheckedMain([how] {
    auto a = std::make_shared<Accounts>();
    AwaitFirst(how, a);
    Go({.name = "second"}, Background(), [a, how] {
      Both(how == "guarded", a->all, a->second, a->first);
    }).Join();
  });
}
