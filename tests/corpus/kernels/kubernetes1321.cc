// kubernetes 1321: a watcher is served under the lock that stopping it needs.
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "stranded/stranded.h"
#include "tests/corpus/kernel.h"

namespace stranded::corpus {
namespace {

constexpr int kRounds = 100;

namespace leaky {

struct MuxWatcher {
  std::int64_t id = 0;
  Chan<Unit> result;
};

class Mux {
 public:
  static std::shared_ptr<Mux> Make() {
    auto mux = std::make_shared<Mux>();
    Go([mux] { mux->Loop(); });
    return mux;
  }

  std::shared_ptr<MuxWatcher> Watch() {
    auto watcher = std::make_shared<MuxWatcher>();
    MutexLock lock(table_mu_);
    watcher->id = static_cast<std::int64_t>(watchers_.size());
    watchers_[watcher->id] = watcher;
    return watcher;
  }

  void Stop(const MuxWatcher& watcher) { StopWatching(watcher.id); }

 private:
  void Loop() {
    for (int i = 0; i < kRounds; ++i) Distribute();
  }

  void Distribute() {
    MutexLock lock(mu_);
    for (const auto& watcher : Watchers()) {
      watcher->result.Send(Unit{});  // blocks: chan_send // fix: add_select_done
    }
  }

  std::vector<std::shared_ptr<MuxWatcher>> Watchers() {
    MutexLock lock(table_mu_);
    std::vector<std::shared_ptr<MuxWatcher>> all;
    for (const auto& [id, watcher] : watchers_) all.push_back(watcher);
    return all;
  }

  void StopWatching(std::int64_t id) {
    MutexLock lock(mu_);  // blocks: mutex_lock
    MutexLock table_lock(table_mu_);
    const auto found = watchers_.find(id);
    if (found == watchers_.end()) return;
    const std::shared_ptr<MuxWatcher> watcher = found->second;
    watchers_.erase(found);
    watcher->result.Close();
  }

  Mutex mu_;
  Mutex table_mu_;
  std::map<std::int64_t, std::shared_ptr<MuxWatcher>> watchers_;
};

void WatcherClose() {
  auto mux = Mux::Make();
  mux->Stop(*mux->Watch());
}

void Run() {
  Go([] { WatcherClose(); });
}

}  // namespace leaky

namespace fixed {

struct MuxWatcher {
  std::int64_t id = 0;
  Chan<Unit> result;
  Chan<Unit> stopped;
};

class Mux {
 public:
  static std::shared_ptr<Mux> Make() {
    auto mux = std::make_shared<Mux>();
    Go([mux] { mux->Loop(); });
    return mux;
  }

  std::shared_ptr<MuxWatcher> Watch() {
    auto watcher = std::make_shared<MuxWatcher>();
    MutexLock lock(table_mu_);
    watcher->id = static_cast<std::int64_t>(watchers_.size());
    watchers_[watcher->id] = watcher;
    return watcher;
  }

  void Stop(const MuxWatcher& watcher) {
    watcher.stopped.Close();
    StopWatching(watcher.id);
  }

 private:
  void Loop() {
    for (int i = 0; i < kRounds; ++i) Distribute();
  }

  void Distribute() {
    MutexLock lock(mu_);
    for (const auto& watcher : Watchers()) {
      Select(OnSend(watcher->result, Unit{}), OnRecv(watcher->stopped));
    }
  }

  std::vector<std::shared_ptr<MuxWatcher>> Watchers() {
    MutexLock lock(table_mu_);
    std::vector<std::shared_ptr<MuxWatcher>> all;
    for (const auto& [id, watcher] : watchers_) all.push_back(watcher);
    return all;
  }

  void StopWatching(std::int64_t id) {
    MutexLock lock(mu_);
    MutexLock table_lock(table_mu_);
    const auto found = watchers_.find(id);
    if (found == watchers_.end()) return;
    const std::shared_ptr<MuxWatcher> watcher = found->second;
    watchers_.erase(found);
    watcher->result.Close();
  }

  Mutex mu_;
  Mutex table_mu_;
  std::map<std::int64_t, std::shared_ptr<MuxWatcher>> watchers_;
};

void WatcherClose() {
  auto mux = Mux::Make();
  mux->Stop(*mux->Watch());
}

void Run() {
  Go([] { WatcherClose(); });
}

}  // namespace fixed

const Registered kRegistered("kubernetes1321", &leaky::Run, &fixed::Run);

}  // namespace
}  // namespace stranded::corpus
