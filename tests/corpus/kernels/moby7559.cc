// Moby 7559: the way out of a failed dial goes on with the next round and keeps the connection
// table's mutex.
#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "stranded/stranded.h"
#include "tests/corpus/kernel.h"

namespace stranded::corpus {
namespace {

struct UdpAddress {
  int port = 0;
};

absl::Status DialUdp(const UdpAddress* remote) {
  if (remote == nullptr) return absl::InvalidArgumentError("dial udp: missing address");
  return absl::OkStatus();
}

constexpr int kRounds = 2;

namespace leaky {

class UdpProxy {
 public:
  // Clang's analysis would see the bug.
  void Serve() ABSL_NO_THREAD_SAFETY_ANALYSIS {
    for (int i = 0; i < kRounds; ++i) {
      conn_track_lock_.Lock();  // blocks: mutex_lock // fix: move_unlock
      if (!DialUdp(nullptr).ok()) continue;
      if (i == 0) break;
    }
    conn_track_lock_.Unlock();
  }

 private:
  Mutex conn_track_lock_;
};

void Run() {
  auto proxy = std::make_shared<UdpProxy>();
  Go([proxy] { proxy->Serve(); });
}

}  // namespace leaky

namespace fixed {

class UdpProxy {
 public:
  void Serve() {
    for (int i = 0; i < kRounds; ++i) {
      conn_track_lock_.Lock();
      if (!DialUdp(nullptr).ok()) {
        conn_track_lock_.Unlock();
        continue;
      }
      conn_track_lock_.Unlock();
      if (i == 0) break;
    }
  }

 private:
  Mutex conn_track_lock_;
};

void Run() {
  auto proxy = std::make_shared<UdpProxy>();
  Go([proxy] { proxy->Serve(); });
}

}  // namespace fixed

const Registered kRegistered("moby7559", &leaky::Run, &fixed::Run);

}  // namespace
}  // namespace stranded::corpus
