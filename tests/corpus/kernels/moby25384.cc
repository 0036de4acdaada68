// Moby 25384: Wait stands inside the loop that starts the workers, and waits for workers that are
// still to be started.
#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "stranded/stranded.h"
#include "tests/corpus/kernel.h"

namespace stranded::corpus {
namespace {

struct Plugin {};
using Plugins = std::vector<std::shared_ptr<Plugin>>;

namespace leaky {

class Manager {
 public:
  explicit Manager(Plugins plugins) : plugins_(std::move(plugins)) {}

  void Init() const {
    auto group = std::make_shared<WaitGroup>();
    group->Add(static_cast<int>(plugins_.size()));
    for (const std::shared_ptr<Plugin>& plugin : plugins_) {
      Go([group, plugin] { group->Done(); });
      group->Wait();  // blocks: wg_wait // fix: add_done_wg
    }
  }

 private:
  const Plugins plugins_;
};

void Run() {
  auto manager =
      std::make_shared<Manager>(Plugins{std::make_shared<Plugin>(), std::make_shared<Plugin>()});
  Go([manager] { manager->Init(); });
}

}  // namespace leaky

namespace fixed {

class Manager {
 public:
  explicit Manager(Plugins plugins) : plugins_(std::move(plugins)) {}

  void Init() const {
    auto group = std::make_shared<WaitGroup>();
    group->Add(static_cast<int>(plugins_.size()));
    for (const std::shared_ptr<Plugin>& plugin : plugins_) {
      Go([group, plugin] { group->Done(); });
    }
    group->Wait();
  }

 private:
  const Plugins plugins_;
};

void Run() {
  auto manager =
      std::make_shared<Manager>(Plugins{std::make_shared<Plugin>(), std::make_shared<Plugin>()});
  Go([manager] { manager->Init(); });
}

}  // namespace fixed

const Registered kRegistered("moby25384", &leaky::Run, &fixed::Run);

}  // namespace
}  // namespace stranded::corpus
