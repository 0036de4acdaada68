// Moby 29733: a waiter needs a plugin's "activated" flag, which nothing sets.
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "stranded/stranded.h"
#include "tests/corpus/kernel.h"

namespace stranded::corpus {
namespace {

namespace leaky {

struct Plugin {
  void WaitActive() {
    mu.Lock();
    while (!activated) activate_wait.Wait();  // blocks: cond_wait // fix: other:predicate
    mu.Unlock();
  }

  bool activated = false;
  Mutex mu;
  Cond activate_wait{mu};
};

// The original keeps this in package variables.
struct Globals {
  std::map<int, std::shared_ptr<Plugin>> plugins;
  RWMutex handlers;
};

void Handle(Globals& globals) {
  globals.handlers.Lock();
  for (const auto& [id, plugin] : globals.plugins) plugin->activated = false;
  globals.handlers.Unlock();
}

void TestActive(const std::shared_ptr<Plugin>& plugin) {
  Chan<Unit> done;
  Go([plugin, done] {
    plugin->WaitActive();
    done.Close();
  });
  done.Recv();  // blocks: chan_recv
}

void Run() {
  Globals globals;
  auto plugin = std::make_shared<Plugin>();
  globals.plugins.emplace(0, plugin);
  TestActive(plugin);
  Handle(globals);
  TestActive(plugin);
}

}  // namespace leaky

namespace fixed {

struct Manifest {
  std::string implements;
};

// A manifest that was read once is not taken back; new handlers run again instead.
struct Plugin {
  void WaitActive() {
    mu.Lock();
    while (!manifest.has_value()) activate_wait.Wait();
    mu.Unlock();
  }

  // The original never activates its plugin.
  void Activate(const std::string& implements) {
    mu.Lock();
    manifest = Manifest{implements};
    activate_wait.Broadcast();
    mu.Unlock();
  }

  std::optional<Manifest> manifest;
  bool handlers_run = false;
  Mutex mu;
  Cond activate_wait{mu};
};

struct Globals {
  std::map<int, std::shared_ptr<Plugin>> plugins;
  RWMutex handlers;
};

void Handle(Globals& globals) {
  globals.handlers.Lock();
  for (const auto& [id, plugin] : globals.plugins) plugin->handlers_run = false;
  globals.handlers.Unlock();
}

void TestActive(const std::shared_ptr<Plugin>& plugin) {
  Chan<Unit> done;
  Go([plugin, done] {
    plugin->WaitActive();
    done.Close();
  });
  done.Recv();
}

void Run() {
  Globals globals;
  auto plugin = std::make_shared<Plugin>();
  globals.plugins.emplace(0, plugin);
  Go([plugin] { plugin->Activate("graph driver"); });
  TestActive(plugin);
  Handle(globals);
  TestActive(plugin);
}

}  // namespace fixed

const Registered kRegistered("moby29733", &leaky::Run, &fixed::Run);

}  // namespace
}  // namespace stranded::corpus
