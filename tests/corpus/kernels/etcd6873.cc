// etcd 6873: Stop waits for the worker under the mutex that the worker needs for a queued update.
#include <memory>

#include "absl/cleanup/cleanup.h"
#include "stranded/stranded.h"
#include "tests/corpus/kernel.h"

namespace stranded::corpus {
namespace {

struct WatchBroadcast {};

namespace leaky {

class WatchBroadcasts {
 public:
  static std::shared_ptr<WatchBroadcasts> Make() {
    auto made = std::make_shared<WatchBroadcasts>();
    Go([made] { made->Work(); });
    return made;
  }

  void Update(WatchBroadcast update) { Select(OnSend(updates_, update), Default()); }

  void Stop() {
    MutexLock lock(mu_);  // fix: move_unlock
    updates_.Close();
    done_.Recv();  // blocks: chan_recv
  }

 private:
  void Work() {
    absl::Cleanup close = [this] { done_.Close(); };
    for (const WatchBroadcast& update : updates_) Coalesce(update);
  }
  void Coalesce(const WatchBroadcast&) {
    mu_.Lock();  // blocks: mutex_lock
    mu_.Unlock();
  }

  Mutex mu_;
  Chan<WatchBroadcast> updates_{1};
  Chan<Unit> done_;
};

void Run() {
  auto broadcasts = WatchBroadcasts::Make();
  broadcasts->Update(WatchBroadcast{});
  Go([broadcasts] { broadcasts->Stop(); });
}

}  // namespace leaky

namespace fixed {

class WatchBroadcasts {
 public:
  static std::shared_ptr<WatchBroadcasts> Make() {
    auto made = std::make_shared<WatchBroadcasts>();
    Go([made] { made->Work(); });
    return made;
  }

  void Update(WatchBroadcast update) { Select(OnSend(updates_, update), Default()); }

  void Stop() {
    mu_.Lock();
    updates_.Close();
    mu_.Unlock();
    done_.Recv();
  }

 private:
  void Work() {
    absl::Cleanup close = [this] { done_.Close(); };
    for (const WatchBroadcast& update : updates_) Coalesce(update);
  }
  void Coalesce(const WatchBroadcast&) {
    mu_.Lock();
    mu_.Unlock();
  }

  Mutex mu_;
  Chan<WatchBroadcast> updates_{1};
  Chan<Unit> done_;
};

void Run() {
  auto broadcasts = WatchBroadcasts::Make();
  broadcasts->Update(WatchBroadcast{});
  Go([broadcasts] { broadcasts->Stop(); });
}

}  // namespace fixed

const Registered kRegistered("etcd6873", &leaky::Run, &fixed::Run);

}  // namespace
}  // namespace stranded::corpus
