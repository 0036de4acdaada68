// A pool of workers that take jobs from a channel.
//
// Stop() closes the channel and waits for the workers. The owner forgets to call it on the way out,
// so the workers wait for ever for the next job.
#include <stranded/channel.h>
#include <stranded/leak_check.h>
#include <stranded/sync.h>
#include <stranded/task.h>

#include <atomic>
#include <functional>
#include <memory>

using namespace stranded;  // NOLINT

namespace {

class WorkerPool {
 public:
  explicit WorkerPool(int workers) {
    for (int i = 0; i < workers; ++i) {
      running_->Add(1);
      Go({.name = "worker"}, Background(), [jobs = jobs_, running = running_] {
        for (const auto& job : jobs) job();
        running->Done();
      });
    }
  }
  void Submit(std::function<void()> job) { jobs_.Send(std::move(job)); }
  void Stop() {
    jobs_.Close();
    running_->Wait();
  }

 private:
  Chan<std::function<void()>> jobs_{16};
  std::shared_ptr<WaitGroup> running_ = std::make_shared<WaitGroup>();
};

void ResizeImages() {
  static std::atomic<int> resized{0};
  WorkerPool pool(3);
  for (int i = 0; i < 5; ++i) pool.Submit([] { ++resized; });
}

}  // namespace

int main() {
  return CheckedMain([] { ResizeImages(); });
}
