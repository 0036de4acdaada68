// hugo 3251: a URL is waited for under the lock of the table that its owner needs to give it up.
#include <map>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "stranded/stranded.h"
#include "tests/corpus/kernel.h"

namespace stranded::corpus {
namespace {

constexpr int kWorkers = 50;
constexpr int kRequests = 10;

namespace leaky {

class RemoteLock {
 public:
  void UrlLock(const std::string& url) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    mu_.Lock();  // blocks: rwmutex_lock // fix: move_unlock
    std::unique_ptr<Mutex>& url_mutex = urls_[url];
    if (url_mutex == nullptr) url_mutex.reset(new Mutex);
    url_mutex->Lock();  // blocks: mutex_lock
    mu_.Unlock();
  }

  void UrlUnlock(const std::string& url) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    ReaderLock lock(mu_);  // blocks: rwmutex_rlock
    const auto found = urls_.find(url);
    if (found != urls_.end()) found->second->Unlock();
  }

 private:
  RWMutex mu_;
  std::map<std::string, std::unique_ptr<Mutex>> urls_;
};

// The table and the test's own wait group, which outlive Run() for those still at work.
struct Remote {
  RemoteLock lock;
  WaitGroup wg;
};

void GetRemote(RemoteLock& lock, const std::string& url) {
  lock.UrlLock(url);
  lock.UrlUnlock(url);
}

void Run() {
  const std::string url = "http://Foo.Bar/foo_Bar-Foo";
  auto remote = std::make_shared<Remote>();
  for (int worker = 0; worker < kWorkers; ++worker) {
    remote->wg.Add(1);
    Go([remote, url] {
      for (int request = 0; request < kRequests; ++request) {
        GetRemote(remote->lock, url);
        this_task::SleepFor(absl::Nanoseconds(300));
      }
      remote->wg.Done();
    });
  }
  remote->wg.Wait();  // blocks: wg_wait
}

}  // namespace leaky

namespace fixed {

class RemoteLock {
 public:
  void UrlLock(const std::string& url) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    mu_.Lock();
    std::unique_ptr<Mutex>& entry = urls_[url];
    if (entry == nullptr) entry.reset(new Mutex);
    Mutex* const url_mutex = entry.get();  // entries stay: the map only grows
    mu_.Unlock();
    url_mutex->Lock();
  }

  void UrlUnlock(const std::string& url) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    ReaderLock lock(mu_);
    const auto found = urls_.find(url);
    if (found != urls_.end()) found->second->Unlock();
  }

 private:
  RWMutex mu_;
  std::map<std::string, std::unique_ptr<Mutex>> urls_;
};

// The table and the test's own wait group, which outlive Run() for those still at work.
struct Remote {
  RemoteLock lock;
  WaitGroup wg;
};

void GetRemote(RemoteLock& lock, const std::string& url) {
  lock.UrlLock(url);
  lock.UrlUnlock(url);
}

void Run() {
  const std::string url = "http://Foo.Bar/foo_Bar-Foo";
  auto remote = std::make_shared<Remote>();
  for (int worker = 0; worker < kWorkers; ++worker) {
    remote->wg.Add(1);
    Go([remote, url] {
      for (int request = 0; request < kRequests; ++request) {
        GetRemote(remote->lock, url);
        this_task::SleepFor(absl::Nanoseconds(300));
      }
      remote->wg.Done();
    });
  }
  remote->wg.Wait();
}

}  // namespace fixed

const Registered kRegistered("hugo3251", &leaky::Run, &fixed::Run);

}  // namespace
}  // namespace stranded::corpus
