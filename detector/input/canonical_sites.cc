#include "detector/input/canonical_sites.h"

#include <algorithm>
#include <initializer_list>
#include <memory>
#include <tuple>
#include <utility>
#include <vector>

namespace stranded::detector {
namespace {

SiteRenaming FindDoubles(const Dump& dump) {
  std::vector<SiteId> ids;
  ids.reserve(dump.sites.size());
  for (const auto& [id, site] : dump.sites) ids.push_back(id);
  const auto place = [&](SiteId id) {
    const Site& s = dump.sites.at(id);
    return std::tie(s.file, s.line, s.column, s.function);
  };
  std::sort(ids.begin(), ids.end(),
            [&](SiteId a, SiteId b) { return place(a) == place(b) ? a < b : place(a) < place(b); });
  SiteRenaming renaming;
  for (std::size_t i = 1, first = 0; i < ids.size(); ++i) {
    if (place(ids[i]) == place(ids[first])) {
      renaming.Add(ids[i], ids[first]);
    } else {
      first = i;
    }
  }
  return renaming;
}

class Renamer {
 public:
  explicit Renamer(std::shared_ptr<const SiteRenaming> renaming) : renaming_(std::move(renaming)) {}

  void Rename(Snapshot& s) const {
    for (Task& t : s.tasks.all()) All({&t.wait_site, &t.last_site});
    for (WaitCase& c : s.cases) All({&c.site});
    for (HeldLock& h : s.held) All({&h.site});
    for (SpawnNode& n : s.spawns.all()) All({&n.site});
    for (Context& c : s.contexts.all()) All({&c.site, &c.ended_site});
    for (Channel& c : s.channels.all()) {
      All({&c.site, &c.closed_site, &c.last_sender.site, &c.last_sender.left_site,
           &c.last_sender.left_made, &c.last_receiver.site, &c.last_receiver.left_site,
           &c.last_receiver.left_made});
    }
    for (Sync& v : s.syncs.all()) {
      All({&v.site, &v.holder_site, &v.last_add.site, &v.last_done.site, &v.last_signal.site});
    }
    for (Timer& t : s.timers) All({&t.site});
    for (Scope& v : s.scopes.all()) All({&v.site});
    s.events.RenameSites(renaming_);
  }

 private:
  void All(std::initializer_list<SiteId*> ids) const {
    for (SiteId* id : ids) *id = renaming_->Of(*id);
  }
  const std::shared_ptr<const SiteRenaming> renaming_;
};

}  // namespace

void CanonizeSites(Dump& dump) {
  auto renaming = std::make_shared<const SiteRenaming>(FindDoubles(dump));
  if (renaming->empty()) return;
  const Renamer renamer(std::move(renaming));
  for (Snapshot& snapshot : dump.snapshots) renamer.Rename(snapshot);
}

}  // namespace stranded::detector
