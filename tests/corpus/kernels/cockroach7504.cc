// CockroachDB 7504: acquiring by name locks the name cache and then the lease; releasing locks the
// lease and then the name cache.
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "stranded/stranded.h"
#include "tests/corpus/kernel.h"

namespace stranded::corpus {
namespace {

struct LeaseState {
  explicit LeaseState(int given) : id(given) {}
  Mutex mu;
  const int id;
};
using Lease = std::shared_ptr<LeaseState>;

int MakeCacheKey(const Lease& lease) { return lease->id; }

class LeaseSet {
 public:
  explicit LeaseSet(int n) {
    for (int id = 0; id < n; ++id) data_.push_back(std::make_shared<LeaseState>(id));
  }
  Lease Find(int id) const { return data_.at(static_cast<std::size_t>(id)); }
  void Remove(const Lease& lease) { std::erase(data_, lease); }

 private:
  std::vector<Lease> data_;
};

constexpr int kLeases = 2;

namespace leaky {

class TableNameCache {
 public:
  explicit TableNameCache(const LeaseSet& leases) {
    for (int id = 0; id < kLeases; ++id) tables_.emplace(id, leases.Find(id));
  }

  void Get(int id) {
    MutexLock lock(mu_);
    const auto found = tables_.find(id);
    if (found == tables_.end()) return;
    MutexLock lease_lock(found->second->mu);  // blocks: mutex_lock
  }

  void Remove(const Lease& lease) {
    MutexLock lock(mu_);  // blocks: mutex_lock
    const auto found = tables_.find(MakeCacheKey(lease));
    if (found != tables_.end() && found->second == lease) tables_.erase(found);
  }

 private:
  Mutex mu_;
  std::map<int, Lease> tables_;
};

class TableState {
 public:
  TableState(TableNameCache& names, LeaseSet active) : names_(names), active_(std::move(active)) {}

  void Release(const Lease& lease) {
    MutexLock lock(mu_);
    const Lease found = active_.Find(MakeCacheKey(lease));
    MutexLock lease_lock(found->mu);  // fix: move_unlock
    RemoveLease(found);
  }

 private:
  void RemoveLease(const Lease& lease) {
    active_.Remove(lease);
    names_.Remove(lease);
  }

  TableNameCache& names_;
  Mutex mu_;
  LeaseSet active_;
};

class LeaseManager {
 public:
  explicit LeaseManager(const LeaseSet& leases) : names_(leases), table_(names_, leases) {}
  void AcquireByName(int id) { names_.Get(id); }
  void Release(const Lease& lease) { FindTableState(lease).Release(lease); }

 private:
  TableState& FindTableState(const Lease&) { return table_; }

  TableNameCache names_;
  TableState table_;
};

void Run() {
  const LeaseSet leases(kLeases);
  auto manager = std::make_shared<LeaseManager>(leases);
  auto wg = std::make_shared<WaitGroup>();
  wg->Add(2);
  Go([manager, wg] {
    manager->AcquireByName(0);
    wg->Done();
  });
  Go([manager, wg, lease = leases.Find(0)] {
    manager->Release(lease);
    wg->Done();
  });
  wg->Wait();  // blocks: wg_wait
}

}  // namespace leaky

namespace fixed {

class TableNameCache {
 public:
  explicit TableNameCache(const LeaseSet& leases) {
    for (int id = 0; id < kLeases; ++id) tables_.emplace(id, leases.Find(id));
  }

  void Get(int id) {
    MutexLock lock(mu_);
    const auto found = tables_.find(id);
    if (found == tables_.end()) return;
    MutexLock lease_lock(found->second->mu);
  }

  void Remove(const Lease& lease) {
    MutexLock lock(mu_);
    const auto found = tables_.find(MakeCacheKey(lease));
    if (found != tables_.end() && found->second == lease) tables_.erase(found);
  }

 private:
  Mutex mu_;
  std::map<int, Lease> tables_;
};

class TableState {
 public:
  TableState(TableNameCache& names, LeaseSet active) : names_(names), active_(std::move(active)) {}

  // The lease's lock and the cache's are never held together on this way.
  void Release(const Lease& lease) {
    MutexLock lock(mu_);
    const Lease found = active_.Find(MakeCacheKey(lease));
    {
      MutexLock lease_lock(found->mu);
      active_.Remove(found);
    }
    names_.Remove(found);
  }

 private:
  TableNameCache& names_;
  Mutex mu_;
  LeaseSet active_;
};

class LeaseManager {
 public:
  explicit LeaseManager(const LeaseSet& leases) : names_(leases), table_(names_, leases) {}
  void AcquireByName(int id) { names_.Get(id); }
  void Release(const Lease& lease) { FindTableState(lease).Release(lease); }

 private:
  TableState& FindTableState(const Lease&) { return table_; }

  TableNameCache names_;
  TableState table_;
};

void Run() {
  const LeaseSet leases(kLeases);
  auto manager = std::make_shared<LeaseManager>(leases);
  auto wg = std::make_shared<WaitGroup>();
  wg->Add(2);
  Go([manager, wg] {
    manager->AcquireByName(0);
    wg->Done();
  });
  Go([manager, wg, lease = leases.Find(0)] {
    manager->Release(lease);
    wg->Done();
  });
  wg->Wait();
}

}  // namespace fixed

const Registered kRegistered("cockroach7504", &leaky::Run, &fixed::Run);

}  // namespace
}  // namespace stranded::corpus
