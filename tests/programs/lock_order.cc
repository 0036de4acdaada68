// Two locks in both orders, one after the other: nothing is stuck in this run. With an argument a
// third lock is taken around both, which makes it right.
#include <stranded/leak_check.h>
#include <stranded/stranded.h>

#include <memory>

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

}  // namespace

int main(int argc, char**) {
  const bool guarded = argc > 1;
  return CheckedMain([guarded] {
    auto a = std::make_shared<Accounts>();
    Go([a, guarded] { Both(guarded, a->all, a->first, a->second); }).Join();
    Go([a, guarded] { Both(guarded, a->all, a->second, a->first); }).Join();
  });
}
