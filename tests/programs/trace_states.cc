// Waits whose records in the trace file differ in one thing from the wait before: the place, or the
// channel. Each last one is at a place and a channel that the file knows: those that it does not
// are written by other code. And a wait that is over, though its task has not run yet.
#include <stranded/channel.h>
#include <stranded/context.h>
#include <stranded/select.h>
#include <stranded/task.h>

#include <chrono>
#include <cstdio>
#include <optional>
#include <thread>

using namespace stranded;  // NOLINT

namespace {

void TwoPlaces(const Chan<int>& values) {
  for (int i = 0; i < 2; ++i) {
    values.Recv();  // the last place
    if (i == 0) values.Recv();
  }
}

void TwoChannels(const Chan<int>& first, const Chan<int>& second) {
  for (const Chan<int>& values : {first, second, first}) values.Recv();
}

void LeaveFor(const Context& ctx, const Chan<int>& values) {
  Select(OnRecv(values, [](std::optional<int>) {}),  // was to receive
         OnDone(ctx, [] {}));                        // leaves here
}

// Keeps the only worker from here on.
void Stay() {
  std::puts("ready");
  std::fflush(stdout);
  std::this_thread::sleep_for(std::chrono::hours(1));
}

void Run() {
  const Chan<int> places, second, over;
  const Chan<int> first;  // the last channel
  Go({.name = "two places"}, [=] { TwoPlaces(places); });
  Go({.name = "two channels"}, [=] { TwoChannels(first, second); });
  const Chan<int> deserted;
  auto [ctx, cancel] = WithCancel(Background());
  Go([ctx = ctx, deserted] { LeaveFor(ctx, deserted); });
  Go({.name = "woken"}, [=] { over.Recv(); });
  this_task::Yield();  // all of them wait
  for (const Chan<int>& values : {first, second}) {
    places.Send(1);
    values.Send(1);
    this_task::Yield();  // and again
  }
  cancel();
  Go({.name = "deserted"}, [=] { deserted.Send(1); });
  this_task::Yield();
  over.Send(1);
  Stay();
}

}  // namespace

int main() {
  Go({.name = "keeper"}, &Run).Join();
  return 0;
}
