// CockroachDB 6181: printing the cache under its read lock calls a formatter that takes the read
// lock again; the write lock of another lookup comes in between.
#include <memory>
#include <ostream>
#include <sstream>
#include <string>

#include "stranded/stranded.h"
#include "tests/corpus/kernel.h"

namespace stranded::corpus {
namespace {

constexpr int kLookups = 3;

namespace leaky {

class RangeDescriptorCache {
 public:
  void LookupRangeDescriptor() {
    std::ostringstream log;
    mu_.RLock();                                  // blocks: rwmutex_rlock
    log << "lookup range descriptor: " << *this;  // fix: other:drop_relock
    mu_.RUnlock();
    mu_.Lock();  // blocks: rwmutex_lock
    mu_.Unlock();
  }

  std::string String() {
    ReaderLock lock(mu_);  // blocks: rwmutex_rlock
    return StringLocked();
  }

  // The formatter: any caller of << comes here.
  friend std::ostream& operator<<(std::ostream& out, RangeDescriptorCache& cache) {
    return out << cache.String();
  }

 private:
  std::string StringLocked() const { return "cached descriptors"; }

  RWMutex mu_;
};

struct DescriptorDb {
  RangeDescriptorCache cache;
};

void DoLookup(RangeDescriptorCache& cache) { cache.LookupRangeDescriptor(); }

void CoalescedRequests() {
  auto db = std::make_shared<DescriptorDb>();
  const auto pause_lookup_resume = [db] {
    auto wg = std::make_shared<WaitGroup>();
    for (int i = 0; i < kLookups; ++i) {
      wg->Add(1);
      Go([db, wg] {
        DoLookup(db->cache);
        wg->Done();
      });
    }
    wg->Wait();  // blocks: wg_wait
  };
  pause_lookup_resume();
}

void Run() {
  Go([] { CoalescedRequests(); });
}

}  // namespace leaky

namespace fixed {

class RangeDescriptorCache {
 public:
  void LookupRangeDescriptor() {
    std::ostringstream log;
    mu_.RLock();
    log << "lookup range descriptor: " << StringLocked();
    mu_.RUnlock();
    mu_.Lock();
    mu_.Unlock();
  }

  std::string String() {
    ReaderLock lock(mu_);
    return StringLocked();
  }

 private:
  std::string StringLocked() const { return "cached descriptors"; }

  RWMutex mu_;
};

struct DescriptorDb {
  RangeDescriptorCache cache;
};

void DoLookup(RangeDescriptorCache& cache) { cache.LookupRangeDescriptor(); }

void CoalescedRequests() {
  auto db = std::make_shared<DescriptorDb>();
  const auto pause_lookup_resume = [db] {
    auto wg = std::make_shared<WaitGroup>();
    for (int i = 0; i < kLookups; ++i) {
      wg->Add(1);
      Go([db, wg] {
        DoLookup(db->cache);
        wg->Done();
      });
    }
    wg->Wait();
  };
  pause_lookup_resume();
}

void Run() {
  Go([] { CoalescedRequests(); });
}

}  // namespace fixed

const Registered kRegistered("cockroach6181", &leaky::Run, &fixed::Run);

}  // namespace
}  // namespace stranded::corpus
