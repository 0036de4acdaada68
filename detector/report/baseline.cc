#include <chrono>
#include <nlohmann/json.hpp>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "detector/report/small_file.h"
#include "stranded/gate.h"
#include "stranded/internal/output_file.h"

namespace stranded {
namespace {

using Json = nlohmann::ordered_json;

constexpr unsigned kVersion = 1;

std::string Text(const Json& entry, const char* key) {
  const auto it = entry.find(key);
  return it != entry.end() && it->is_string() ? it->get<std::string>() : "";
}

}  // namespace

BaselineEntry* Baseline::Find(std::string_view fingerprint) {
  for (BaselineEntry& entry : entries) {
    if (entry.fingerprint == fingerprint) return &entry;
  }
  return nullptr;
}

bool IsDate(std::string_view date) {
  const std::string text(date);
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return false;
  if (text.find_first_not_of("0123456789-") != text.npos) return false;
  int year = 0;
  unsigned month = 0, day = 0;
  if (!absl::SimpleAtoi(text.substr(0, 4), &year) || !absl::SimpleAtoi(text.substr(5, 2), &month) ||
      !absl::SimpleAtoi(text.substr(8, 2), &day)) {
    return false;
  }
  return std::chrono::year_month_day(std::chrono::year(year), std::chrono::month(month),
                                     std::chrono::day(day))
      .ok();
}

absl::StatusOr<Baseline> ReadBaseline(const std::string& path) {
  constexpr const char* kMakeOne = "; make one with --create-baseline";
  const auto text = detector::ReadSmallFile(path, "baseline");
  if (!text.ok()) {
    const bool none = absl::IsNotFound(text.status());
    return absl::Status(text.status().code(),
                        absl::StrCat(text.status().message(), none ? kMakeOne : ""));
  }
  const Json json = Json::parse(*text, nullptr, false);
  if (json.is_discarded() || !json.is_object() || Text(json, "format") != "stranded-baseline" ||
      !json.contains("entries") || !json["entries"].is_array()) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", path, "' is not a Stranded baseline", kMakeOne));
  }
  const auto version = json.find("version");
  if (version == json.end() || !version->is_number_unsigned() || *version != kVersion) {
    return absl::UnimplementedError(absl::StrCat(
        "the baseline '", path, "' has version ", version == json.end() ? "none" : version->dump(),
        "; this program reads version ", kVersion, ": use the stranded program that wrote it"));
  }
  Baseline baseline;
  for (const Json& e : json["entries"]) {
    if (!e.is_object() || Text(e, "fingerprint").empty()) {
      return absl::InvalidArgumentError(absl::StrCat("'", path, "': an entry has no fingerprint"));
    }
    baseline.entries.push_back({Text(e, "fingerprint"), Text(e, "rule"), Text(e, "title"),
                                Text(e, "reason"), Text(e, "date"), Text(e, "expires")});
    const std::string& expires = baseline.entries.back().expires;
    if (!expires.empty() && !IsDate(expires)) {
      return absl::InvalidArgumentError(
          absl::StrCat("'", path, "': expires is '", expires, "', not a date as 2027-01-31"));
    }
  }
  return baseline;
}

absl::Status WriteBaseline(const std::string& path, const Baseline& baseline) {
  Json entries = Json::array();
  for (const BaselineEntry& e : baseline.entries) {
    entries.push_back({{"fingerprint", e.fingerprint},
                       {"rule", e.rule},
                       {"title", e.title},
                       {"reason", e.reason},
                       {"date", e.date}});
    if (!e.expires.empty()) entries.back()["expires"] = e.expires;
  }
  const Json json = {{"format", "stranded-baseline"}, {"version", kVersion}, {"entries", entries}};
  const absl::Status written =
      internal::WriteFile(path, json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
  if (written.ok()) return written;
  return absl::Status(written.code(),
                      absl::StrCat("cannot write the baseline ", written.message()));
}

void AddToBaseline(const std::vector<Finding>& findings, const std::string& date,
                   const std::string& reason, const std::string& expires, Baseline& baseline) {
  for (const Finding& f : findings) {
    if (BaselineEntry* known = baseline.Find(f.fingerprint())) {
      if (known->Expired(date))
        *known = {known->fingerprint, known->rule, known->title, reason, date, expires, true};
      continue;
    }
    baseline.entries.push_back({std::string(f.fingerprint()), std::string(f.rule()),
                                std::string(f.title()), reason, date, expires, true});
  }
}

}  // namespace stranded
