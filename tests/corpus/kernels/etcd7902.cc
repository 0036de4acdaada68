// etcd 7902: followers wait for the leader's close under the mutex the leader needs to release.
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "stranded/stranded.h"
#include "tests/corpus/kernel.h"

namespace stranded::corpus {
namespace {

constexpr int kClients = 3;
constexpr int kRounds = 100;

struct RoundClient {
  int progress = 0;
  std::function<void()> acquire, validate, release;
};

namespace leaky {

// Outlives RunElection for those that are still at work.
struct Rounds {
  explicit Rounds(std::vector<RoundClient> given) : clients(std::move(given)) {}
  std::vector<RoundClient> clients;
  Mutex mu;
  WaitGroup wg;
};

void DoRound(Rounds& all, RoundClient& client) {
  client.acquire();
  all.mu.Lock();  // blocks: mutex_lock
  client.validate();
  all.mu.Unlock();
  this_task::SleepFor(absl::Milliseconds(10));
  ++client.progress;
  all.mu.Lock();  // blocks: mutex_lock // fix: move_unlock
  client.release();
  all.mu.Unlock();
}

void DoRounds(std::vector<RoundClient> clients, int rounds) {
  auto all = std::make_shared<Rounds>(std::move(clients));
  all->wg.Add(kClients);
  for (RoundClient& client : all->clients) {
    Go([all, &client, rounds] {
      while (client.progress < rounds) DoRound(*all, client);
      all->wg.Done();
    });
  }
  all->wg.Wait();  // blocks: wg_wait
}

void RunElection() {
  auto next = std::make_shared<Chan<Unit>>(Chan<Unit>());
  std::vector<RoundClient> clients(kClients);
  for (int i = 0; i < kClients; ++i) {
    auto own_next = std::make_shared<Chan<Unit>>(Chan<Unit>::Nil());
    clients[i].acquire = [] {};
    clients[i].validate = [next, own_next] { *own_next = *next; };
    clients[i].release = [i, next, own_next] {
      if (i == 0) {  // the leader
        next->Close();
        *next = Chan<Unit>();
      }
      own_next->Recv();  // blocks: chan_recv
    };
  }
  DoRounds(std::move(clients), kRounds);
}

void Run() {
  Go([] { RunElection(); });
}

}  // namespace leaky

namespace fixed {

// Outlives RunElection for those that are still at work.
struct Rounds {
  explicit Rounds(std::vector<RoundClient> given) : clients(std::move(given)) {}
  std::vector<RoundClient> clients;
  Mutex mu;
  WaitGroup wg;
};

// What the leader closes at the end of each round.
struct NextRound {
  Mutex mu;
  Chan<Unit> next;
  int left = kRounds;

  Chan<Unit> Get() {
    MutexLock lock(mu);
    return next;
  }
  // After the last round it stays closed: nobody waits for a leader that has finished.
  void Begin() {
    MutexLock lock(mu);
    next.Close();
    if (--left > 0) next = Chan<Unit>();
  }
};

void DoRound(Rounds& all, RoundClient& client) {
  client.acquire();
  all.mu.Lock();
  client.validate();
  all.mu.Unlock();
  this_task::SleepFor(absl::Milliseconds(10));
  ++client.progress;
  client.release();
}

void DoRounds(std::vector<RoundClient> clients, int rounds) {
  auto all = std::make_shared<Rounds>(std::move(clients));
  all->wg.Add(kClients);
  for (RoundClient& client : all->clients) {
    Go([all, &client, rounds] {
      while (client.progress < rounds) DoRound(*all, client);
      all->wg.Done();
    });
  }
  all->wg.Wait();
}

void RunElection() {
  auto next = std::make_shared<NextRound>();
  std::vector<RoundClient> clients(kClients);
  for (int i = 0; i < kClients; ++i) {
    auto own_next = std::make_shared<Chan<Unit>>(Chan<Unit>::Nil());
    clients[i].acquire = [] {};
    clients[i].validate = [next, own_next] { *own_next = next->Get(); };
    clients[i].release = [i, next, own_next] {
      if (i == 0) next->Begin();  // the leader
      own_next->Recv();
    };
  }
  DoRounds(std::move(clients), kRounds);
}

void Run() {
  Go([] { RunElection(); });
}

}  // namespace fixed

const Registered kRegistered("etcd7902", &leaky::Run, &fixed::Run);

}  // namespace
}  // namespace stranded::corpus
