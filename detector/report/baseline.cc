#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "stranded/gate.h"

namespace stranded {
namespace {

using Json = nlohmann::ordered_json;

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

bool IsDate(std::string_view text) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (i != 4 && i != 7 && (text[i] < '0' || text[i] > '9')) return false;
  }
  const int month = (text[5] - '0') * 10 + text[6] - '0',
            day = (text[8] - '0') * 10 + text[9] - '0';
  return month >= 1 && month <= 12 && day >= 1 && day <= 31;
}

absl::StatusOr<Baseline> ReadBaseline(const std::string& path) {
  std::ifstream in(path);
  if (!in) {
    return absl::NotFoundError(absl::StrCat("cannot read the baseline '", path,
                                            "': ", std::strerror(errno),
                                            "; make one with --create-baseline"));
  }
  const Json json = Json::parse(in, nullptr, false);
  if (json.is_discarded() || !json.is_object() || Text(json, "format") != "stranded-baseline" ||
      !json.contains("entries") || !json["entries"].is_array()) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", path, "' is not a Stranded baseline; make one with --create-baseline"));
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
  const Json json = {{"format", "stranded-baseline"}, {"version", 1}, {"entries", entries}};
  const std::string temporary = path + ".tmp";
  std::ofstream out(temporary);
  out << json.dump(2, ' ', false, Json::error_handler_t::replace) << "\n";
  out.close();
  if (!out || std::rename(temporary.c_str(), path.c_str()) != 0) {
    return absl::UnavailableError(
        absl::StrCat("cannot write the baseline '", path, "': ", std::strerror(errno)));
  }
  return absl::OkStatus();
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
