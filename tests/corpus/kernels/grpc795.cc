// grpc-go 795: GracefulStop returns with the mutex held, and locks where it should unlock.
#include <memory>

#include "absl/base/thread_annotations.h"
#include "stranded/stranded.h"
#include "tests/corpus/kernel.h"

namespace stranded::corpus {
namespace {

namespace leaky {

class Server {
 public:
  void GracefulStop() ABSL_NO_THREAD_SAFETY_ANALYSIS {
    mu_.Lock();  // blocks: mutex_lock // fix: move_unlock
    if (drain_) {
      mu_.Lock();
      return;
    }
    drain_ = true;
  }

  void Serve() {
    mu_.Lock();  // blocks: mutex_lock
    mu_.Unlock();
  }

 private:
  Mutex mu_;
  bool drain_ = false;
};

class ServerTest {
 public:
  void StartServer() {
    server_ = std::make_shared<Server>();
    Go([server = server_] { server->Serve(); });
  }
  Server& server() { return *server_; }

 private:
  std::shared_ptr<Server> server_;
};

void Run() {
  ServerTest test;
  test.StartServer();
  for (int i = 0; i < 3; ++i) test.server().GracefulStop();
}

}  // namespace leaky

namespace fixed {

class Server {
 public:
  void GracefulStop() {
    mu_.Lock();
    if (drain_) {
      mu_.Unlock();
      return;
    }
    drain_ = true;
    mu_.Unlock();
  }

  void Serve() {
    mu_.Lock();
    mu_.Unlock();
  }

 private:
  Mutex mu_;
  bool drain_ = false;
};

class ServerTest {
 public:
  void StartServer() {
    server_ = std::make_shared<Server>();
    Go([server = server_] { server->Serve(); });
  }
  Server& server() { return *server_; }

 private:
  std::shared_ptr<Server> server_;
};

void Run() {
  ServerTest test;
  test.StartServer();
  for (int i = 0; i < 3; ++i) test.server().GracefulStop();
}

}  // namespace fixed

const Registered kRegistered("grpc795", &leaky::Run, &fixed::Run);

}  // namespace
}  // namespace stranded::corpus
