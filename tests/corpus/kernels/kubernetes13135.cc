// kubernetes 13135: caching takes cacher then watch cache, events take them the other way round.
#include <functional>
#include <memory>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "stranded/stranded.h"
#include "tests/corpus/kernel.h"

namespace stranded::corpus {
namespace {

namespace leaky {

class Store {
 public:
  virtual ~Store() = default;
  virtual void Add() = 0;
  virtual void Replace() = 0;
};

class WatchCache final : public Store {
 public:
  void SetOnReplace(std::function<void()> on_replace) {
    WriterLock lock(mu_);
    on_replace_ = std::move(on_replace);
  }
  void SetOnEvent(std::function<void()> on_event) {
    WriterLock lock(mu_);
    on_event_ = std::move(on_event);
  }

  void Add() override { ProcessEvent(); }
  void Replace() override {
    WriterLock lock(mu_);  // blocks: rwmutex_lock
    if (on_replace_) on_replace_();
  }

 private:
  void ProcessEvent() {
    WriterLock lock(mu_);
    if (on_event_) on_event_();
  }

  RWMutex mu_;
  std::function<void()> on_replace_, on_event_;
};

class Reflector {
 public:
  explicit Reflector(Store& store) : store_(store) {}
  absl::Status ListAndWatch() {
    SyncWith();
    return absl::OkStatus();
  }

 private:
  void SyncWith() { store_.Replace(); }

  Store& store_;
};

void Until(const std::function<void()>& f, absl::Duration period, const Receiver<Unit>& stop) {
  for (;;) {
    if (Select(OnRecv(stop), Default()) == 0) return;
    f();
    this_task::SleepFor(period);
  }
}

class Cacher : public std::enable_shared_from_this<Cacher> {
 public:
  static std::shared_ptr<Cacher> Make(const Receiver<Unit>& stop) {
    auto cacher = std::make_shared<Cacher>();
    cacher->Start(stop);
    return cacher;
  }

  WatchCache& watch_cache() { return watch_cache_; }

 private:
  void Start(const Receiver<Unit>& stop) {
    initialized_.Add(1);
    watch_cache_.SetOnReplace([this]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
      init_once_.Do([this] { initialized_.Done(); });
      mu_.Unlock();
    });
    watch_cache_.SetOnEvent([this] { ProcessEvent(); });
    Go([self = shared_from_this(), stop] {
      Until([&] { self->StartCaching(); }, absl::ZeroDuration(), stop);
    });
    initialized_.Wait();
  }

  void ProcessEvent() {
    MutexLock lock(mu_);  // blocks: mutex_lock
    ++events_;
  }

  // The lock is given up by the replacement.
  void StartCaching() ABSL_NO_THREAD_SAFETY_ANALYSIS {
    mu_.Lock();  // fix: other:split_lock
    while (!reflector_.ListAndWatch().ok()) {
    }
  }

  Mutex mu_;
  int events_ = 0;
  WaitGroup initialized_;
  Once init_once_;
  WatchCache watch_cache_;
  Reflector reflector_{watch_cache_};
};

void Run() {
  Chan<Unit> stop;
  auto cacher = Cacher::Make(stop);
  Go([cacher] { cacher->watch_cache().Add(); });
  Go([stop] { stop.Close(); });
}

}  // namespace leaky

namespace fixed {

class Store {
 public:
  virtual ~Store() = default;
  virtual void Add() = 0;
  virtual void Replace() = 0;
};

class WatchCache final : public Store {
 public:
  void SetOnReplace(std::function<void()> on_replace) {
    WriterLock lock(mu_);
    on_replace_ = std::move(on_replace);
  }
  void SetOnEvent(std::function<void()> on_event) {
    WriterLock lock(mu_);
    on_event_ = std::move(on_event);
  }

  void Add() override { ProcessEvent(); }
  void Replace() override {
    WriterLock lock(mu_);
    if (on_replace_) on_replace_();
  }

 private:
  void ProcessEvent() {
    WriterLock lock(mu_);
    if (on_event_) on_event_();
  }

  RWMutex mu_;
  std::function<void()> on_replace_, on_event_;
};

class Reflector {
 public:
  explicit Reflector(Store& store) : store_(store) {}
  absl::Status ListAndWatch() {
    SyncWith();
    return absl::OkStatus();
  }

 private:
  void SyncWith() { store_.Replace(); }

  Store& store_;
};

void Until(const std::function<void()>& f, absl::Duration period, const Receiver<Unit>& stop) {
  for (;;) {
    if (Select(OnRecv(stop), Default()) == 0) return;
    f();
    this_task::SleepFor(period);
  }
}

class Cacher : public std::enable_shared_from_this<Cacher> {
 public:
  static std::shared_ptr<Cacher> Make(const Receiver<Unit>& stop) {
    auto cacher = std::make_shared<Cacher>();
    cacher->Start(stop);
    return cacher;
  }

  WatchCache& watch_cache() { return watch_cache_; }

 private:
  void Start(const Receiver<Unit>& stop) {
    initialized_.Add(1);
    watch_cache_.SetOnReplace([this]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
      init_once_.Do([this] { initialized_.Done(); });
      usable_mu_.Unlock();
    });
    watch_cache_.SetOnEvent([this] { ProcessEvent(); });
    Go([self = shared_from_this(), stop] {
      Until([&] { self->StartCaching(); }, absl::ZeroDuration(), stop);
    });
    initialized_.Wait();
  }

  void ProcessEvent() {
    MutexLock lock(mu_);
    ++events_;
  }

  // The lock is given up by the replacement.
  void StartCaching() ABSL_NO_THREAD_SAFETY_ANALYSIS {
    usable_mu_.Lock();
    while (!reflector_.ListAndWatch().ok()) {
    }
  }

  Mutex usable_mu_;
  Mutex mu_;
  int events_ = 0;
  WaitGroup initialized_;
  Once init_once_;
  WatchCache watch_cache_;
  Reflector reflector_{watch_cache_};
};

void Run() {
  Chan<Unit> stop;
  auto cacher = Cacher::Make(stop);
  Go([cacher] { cacher->watch_cache().Add(); });
  Go([stop] { stop.Close(); });
}

}  // namespace fixed

const Registered kRegistered("kubernetes13135", &leaky::Run, &fixed::Run);

}  // namespace
}  // namespace stranded::corpus
