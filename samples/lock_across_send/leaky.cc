// A cache that tells a logger about every entry.
//
// Put() sends to the logger while it holds the cache's mutex; the logger locks the same mutex to
// read the number of entries before it receives. Each waits for the other.
#include <stranded/channel.h>
#include <stranded/leak_check.h>
#include <stranded/sync.h>
#include <stranded/task.h>

#include <map>
#include <memory>
#include <string>

using namespace stranded;  // NOLINT

namespace {

struct Cache {
  Mutex mutex;
  std::map<std::string, int> entries;
  Chan<std::string> added;
};

void Put(Cache& cache, const std::string& key, int value) {
  cache.mutex.Lock();
  cache.entries[key] = value;
  cache.added.Send(key);
  cache.mutex.Unlock();
}

void LogOne(Cache& cache, std::size_t* size) {
  cache.mutex.Lock();
  *size = cache.entries.size();
  cache.mutex.Unlock();
  cache.added.Recv();
}

}  // namespace

int main() {
  return CheckedMain([] {
    // Shared: the tasks keep what they work on.
    auto cache = std::make_shared<Cache>();
    auto size = std::make_shared<std::size_t>(0);
    Chan<Unit> holding(1);
    Go({.name = "put"}, Background(), [cache, holding] {
      holding.Send({});
      Put(*cache, "answer", 42);
    });
    holding.Recv();
    this_task::SleepFor(absl::Milliseconds(1));  // the logger comes a moment later
    Go({.name = "logger"}, Background(), [cache, size] { LogOne(*cache, size.get()); });
  });
}
