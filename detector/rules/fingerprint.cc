#include "detector/rules/fingerprint.h"

#include <zlib.h>

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace stranded::detector {
namespace {

std::string BaseName(const std::string& path) { return path.substr(path.find_last_of('/') + 1); }

// Where such a task was met is chance.
bool GoesOn(const FindingData& data) {
  const bool moves = data.wait == "running" || data.wait == "sleep";
  return data.rule == "outlived-scope" && moves && data.spawn_site.known();
}

// What makes a cause.
std::string Identity(const FindingData& data) {
  if (GoesOn(data)) {
    return absl::StrCat(data.rule, "|goes on|", BaseName(data.spawn_site.file), "|",
                        data.spawn_site.function, "|", BaseName(data.context_site.file), "|",
                        data.context_site.function);
  }
  return absl::StrCat(data.rule, "|", data.wait, "|", BaseName(data.wait_site.file), "|",
                      data.wait_site.function, "|", BaseName(data.spawn_site.file), "|",
                      data.spawn_site.function, "|", BaseName(data.channel.site.file), "|",
                      data.channel.site.function, "|", data.context_site.function);
}

// Compared in the order of the source. Not where it waits: tasks of one cause wait here or there.
using At = std::tuple<std::string_view, std::uint32_t, std::uint32_t>;
using CausePlace = std::array<At, 4>;

CausePlace PlaceOf(const FindingData& data) {
  const auto at = [](const SourceSite& site) { return At(site.file, site.line, site.column); };
  return {at(data.spawn_site), at(data.context_site), at(data.channel.site), at(data.sync_site)};
}

}  // namespace

std::string Fingerprint(const FindingData& data) {
  const std::string text = Identity(data);
  // Two checksums with different seeds: 64 bits that every build computes alike.
  const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
  const auto size = static_cast<unsigned>(text.size());
  return absl::StrFormat("s1:%08x%08x", crc32(0, bytes, size),
                         adler32(crc32(7, bytes, size), bytes, size));
}

std::string CauseKey(const FindingData& data) {
  std::string key = Fingerprint(data);
  for (const auto& [file, line, column] : PlaceOf(data)) {
    absl::StrAppend(&key, "|", std::string(file), ":", line, ":", column);
  }
  return key;
}

void NumberFingerprints(std::vector<Finding>& findings) {
  std::map<std::string, std::vector<Finding*>> same;
  for (Finding& f : findings) same[Fingerprint(f.data())].push_back(&f);
  for (const auto& [fingerprint, alike] : same) {
    std::map<CausePlace, int> places;
    for (const Finding* f : alike) places.emplace(PlaceOf(f->data()), 0);
    int number = 0;
    for (auto& [place, its] : places) its = ++number;
    for (Finding* f : alike) {
      const int its = alike.size() == 1 ? 1 : places[PlaceOf(f->data())];
      f->set_fingerprint(its == 1 ? fingerprint : absl::StrCat(fingerprint, "-", its));
    }
  }
}

}  // namespace stranded::detector
