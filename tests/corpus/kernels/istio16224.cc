// istio 16224: the handler reports under the mutex that its reader takes before it receives.
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "stranded/stranded.h"
#include "tests/corpus/kernel.h"

namespace stranded::corpus {
namespace {

enum class Event { kAdd };
using Handler = std::function<void(Event)>;

namespace leaky {

class ConfigMonitor {
 public:
  void Run(const Receiver<Unit>& stop) {
    bool stopped = false;
    while (!stopped) {
      Select(OnRecv(stop,
                    [&] {
                      stopped = true;
                      if (events_.Recv()) events_.Close();  // blocks: chan_recv
                    }),
             OnRecv(events_, [&](std::optional<Event> event) {
               if (event) ProcessConfigEvent(*event);
             }));
    }
  }

  void AppendEventHandler(Handler handler) { handlers_.push_back(std::move(handler)); }
  void ScheduleProcessEvent(Event event) { events_.Send(event); }

 private:
  void ProcessConfigEvent(Event event) { ApplyHandlers(event); }
  void ApplyHandlers(Event event) {
    for (const Handler& handler : handlers_) handler(event);
  }

  std::vector<Handler> handlers_;
  Chan<Event> events_;
};

class Controller {
 public:
  void RegisterEventHandler(Handler handler) { monitor_.AppendEventHandler(std::move(handler)); }
  void Run(const Receiver<Unit>& stop) { monitor_.Run(stop); }
  void Create() { monitor_.ScheduleProcessEvent(Event::kAdd); }

 private:
  ConfigMonitor monitor_;
};

void Run() {
  auto controller = std::make_shared<Controller>();
  Chan<bool> done;
  auto lock = std::shared_ptr<Mutex>(new Mutex);
  controller->RegisterEventHandler([lock, done](Event) {
    MutexLock held(*lock);  // fix: move_unlock
    done.Send(true);        // blocks: chan_send
  });
  Chan<Unit> stop;
  Go([controller, stop] { controller->Run(stop); });
  controller->Create();
  lock->Lock();  // blocks: mutex_lock
  lock->Unlock();
  done.Recv();
  stop.Close();
}

}  // namespace leaky

namespace fixed {

class ConfigMonitor {
 public:
  void Run(const Receiver<Unit>& stop) {
    bool stopped = false;
    while (!stopped) {
      Select(OnRecv(stop, [&] { stopped = true; }),
             OnRecv(events_, [&](std::optional<Event> event) {
               if (event) ProcessConfigEvent(*event);
             }));
    }
  }

  void AppendEventHandler(Handler handler) { handlers_.push_back(std::move(handler)); }
  void ScheduleProcessEvent(Event event) { events_.Send(event); }

 private:
  void ProcessConfigEvent(Event event) { ApplyHandlers(event); }
  void ApplyHandlers(Event event) {
    for (const Handler& handler : handlers_) handler(event);
  }

  std::vector<Handler> handlers_;
  Chan<Event> events_;
};

class Controller {
 public:
  void RegisterEventHandler(Handler handler) { monitor_.AppendEventHandler(std::move(handler)); }
  void Run(const Receiver<Unit>& stop) { monitor_.Run(stop); }
  void Create() { monitor_.ScheduleProcessEvent(Event::kAdd); }

 private:
  ConfigMonitor monitor_;
};

void Run() {
  auto controller = std::make_shared<Controller>();
  Chan<bool> done;
  auto lock = std::shared_ptr<Mutex>(new Mutex);
  controller->RegisterEventHandler([lock, done](Event) {
    lock->Lock();
    lock->Unlock();
    done.Send(true);
  });
  Chan<Unit> stop;
  Go([controller, stop] { controller->Run(stop); });
  controller->Create();
  lock->Lock();
  lock->Unlock();
  done.Recv();
  stop.Close();
}

}  // namespace fixed

const Registered kRegistered("istio16224", &leaky::Run, &fixed::Run);

}  // namespace
}  // namespace stranded::corpus
