#include "stranded/explore.h"

#include "detector/explore/exploration.h"
#include "stranded/errors.h"

namespace stranded {

ExploreResult Explore(const ExploreOptions& options, const std::function<void()>& body) {
  detector::Exploration exploration(options);
  while (exploration.Begin()) {
    std::exception_ptr thrown;
    try {
      body();
    } catch (const GlobalDeadlockError&) {  // told at the dead end
    } catch (const internal::TaskUnwound&) {
    } catch (...) {
      thrown = std::current_exception();
    }
    exploration.End(thrown, "");
  }
  return exploration.TakeResult();
}

}  // namespace stranded
