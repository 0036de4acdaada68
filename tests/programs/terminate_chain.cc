// A program's terminate handler calls the one before it, which is the explorer's, which calls the
// program's.
#include <stranded/explore.h>

#include <exception>

namespace {
std::terminate_handler before = nullptr;
}

int main() {
  stranded::ExploreOptions options;
  options.schedules = 2;  // the explorer puts its own in front again in the second one
  options.policy = "random";
  stranded::Explore(options, [] {
    if (before == nullptr) before = std::set_terminate([] { before(); });
  });
  std::terminate();
}
