#include "stranded/options.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <climits>
#include <cstdlib>
#include <iterator>
#include <numeric>
#include <string_view>
#include <utility>

namespace stranded {
namespace {

Options& Current() {
  static auto& options = *[] {
    const char* text = std::getenv("STRANDED_OPTIONS");
    auto* parsed = new Options(ParseOptions(text == nullptr ? "" : text));
    for (const std::string& p : parsed->problems) {
      std::fprintf(stderr, "stranded: STRANDED_OPTIONS: %s\n", p.c_str());
    }
    return parsed;
  }();
  return options;
}

// Sets the field, or says what is wrong: "record accepts off, state, trace, not 'on'".
std::string SetOneOf(const std::string& key, const std::string& value,
                     std::initializer_list<const char*> accepted, std::string& field) {
  std::string all;
  for (const char* a : accepted) {
    if (value == a) {
      field = value;
      return "";
    }
    all += (all.empty() ? " " : ", ") + std::string(a);
  }
  return key + " accepts" + all + ", not '" + value + "'";
}

constexpr std::string_view kKeys[] = {
    "dump",     "record",   "trace_file", "ring",     "schedule",   "seed",    "runs",
    "workers",  "exitcode", "grace_ms",   "stall_s",  "outside_ms", "on_quit", "source_root",
    "patch",    "explore",  "schedules",  "policy",   "replay",     "depth",   "preemptions",
    "delay_us", "time_s",   "first",      "run_child"};

// Edits that turn one word into the other.
std::size_t Distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t corner = std::exchange(row[0], i + 1);
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t change = corner + (a[i] == b[j] ? 0 : 1);
      corner = std::exchange(row[j + 1], std::min({change, row[j] + 1, row[j + 1] + 1}));
    }
  }
  return row[b.size()];
}

// Names the nearest key, or all.
std::string UnknownKey(const std::string& key) {
  constexpr std::size_t kNear = 2;
  const std::string what = "unknown key '" + key + "'; ";
  std::string all;
  for (const std::string_view known : kKeys) {
    all += (all.empty() ? "" : ", ") + std::string(known);
    const bool begun = key.size() > 2 && known.starts_with(key);
    if (begun || Distance(key, known) <= std::min(kNear, key.size() / 2))
      return what + "did you mean '" + std::string(known) + "'?";
  }
  return what + "accepted: " + all;
}

struct NumberKey {
  const char* key;
  int Options::*field;
  int least, most = INT_MAX;
};
constexpr NumberKey kNumbers[] = {
    {"runs", &Options::runs, 1},
    {"ring", &Options::ring, 1},
    {"workers", &Options::workers, 1, 1024},
    // More bits than these do not reach whoever waits for the process: 256 would be success.
    {"exitcode", &Options::exitcode, 0, 255},
    {"grace_ms", &Options::grace_ms, 0},
    {"schedules", &Options::schedules, 1},
    {"depth", &Options::depth, 1},
    {"preemptions", &Options::preemptions, 0},
    {"delay_us", &Options::delay_us, 0},
    {"time_s", &Options::time_s, 0},
    {"stall_s", &Options::stall_s, 0},
    {"outside_ms", &Options::outside_ms, 0},
    {"run_child", &Options::run_child, 0},
};

// "exitcode needs a number from 0 to 255, not '256'".
std::string Misfit(const NumberKey& k, const std::string& value, bool too_large) {
  const std::string least = std::to_string(k.least);
  const std::string range = k.most == INT_MAX && !too_large
                                ? " of " + least + " or more"
                                : " from " + least + " to " + std::to_string(k.most);
  return k.key + (" needs a number" + range) + ", not '" + value + "'";
}

std::string SetNumber(Options& o, const std::string& key, const std::string& value) {
  std::uint64_t number = 0;
  const char* const end = value.data() + value.size();
  const auto [read, error] = std::from_chars(value.data(), end, number);
  const bool numeric = error == std::errc() && read == end;
  const auto* known = std::find_if(std::begin(kNumbers), std::end(kNumbers),
                                   [&](const NumberKey& k) { return key == k.key; });
  if (known == std::end(kNumbers) && key != "seed" && key != "first") {
    return UnknownKey(key);
  }
  if (known != std::end(kNumbers)) {
    const bool too_large = error == std::errc::result_out_of_range ||
                           (numeric && number > static_cast<std::uint64_t>(known->most));
    if (!numeric || too_large || number < static_cast<std::uint64_t>(known->least)) {
      return Misfit(*known, value, too_large);
    }
    o.*(known->field) = static_cast<int>(number);
    return "";
  }
  if (!numeric) return key + " needs a number, not '" + value + "'";
  if (key == "seed") {
    o.seed = number;
  } else {
    o.first = number != 0;
  }
  return "";
}

// Empty, or what is wrong with the value.
std::string Set(Options& o, const std::string& key, const std::string& value) {
  if (key == "dump") {
    o.dump = value;
    // One run often has many processes, each with a dump of its own.
    if (const auto at = o.dump.find("%p"); at != std::string::npos) {
      o.dump.replace(at, 2, std::to_string(getpid()));
    }
  } else if (key == "record") {
    return SetOneOf(key, value, {"off", "state", "trace"}, o.record);
  } else if (key == "on_quit") {
    return SetOneOf(key, value, {"report", "dump"}, o.on_quit);
  } else if (key == "source_root") {
    o.source_root = value;
  } else if (key == "trace_file") {
    o.trace_file = value;
  } else if (key == "schedule") {
    return SetOneOf(key, value, {"controlled", "threads"}, o.schedule);
  } else if (key == "policy") {
    return SetOneOf(key, value, {"random", "pct", "round-robin", "exhaustive", "replay"}, o.policy);
  } else if (key == "patch") {
    o.patch = value;
  } else if (key == "explore") {
    o.explore = value;
  } else if (key == "replay") {
    o.replay = value;
  } else {
    return SetNumber(o, key, value);
  }
  return "";
}

// The text up to the next colon that separates. Behind \\ one belongs to the value.
std::string NextItem(const std::string& text, std::size_t* at) {
  std::string item;
  for (; *at < text.size() && text[*at] != ':'; ++*at) {
    if (text[*at] == '\\' && text.compare(*at + 1, 1, ":") == 0) ++*at;
    item += text[*at];
  }
  ++*at;
  return item;
}

}  // namespace

std::string OptionValue(const std::string& value) {
  std::string text;
  for (const char c : value) {
    if (c == ':') text += '\\';
    text += c;
  }
  return text;
}

std::vector<std::string> OptionItems(const std::string& text) {
  std::vector<std::string> items;
  for (std::size_t at = 0; at < text.size();) {
    std::string item = NextItem(text, &at);
    if (!item.empty()) items.push_back(std::move(item));
  }
  return items;
}

Options ParseOptions(const std::string& text) {
  Options options;
  for (const std::string& item : OptionItems(text)) {
    const std::size_t eq = item.find('=');
    const std::string problem = eq == std::string::npos
                                    ? "'" + item + "' is not key=value"
                                    : Set(options, item.substr(0, eq), item.substr(eq + 1));
    if (!problem.empty()) options.problems.push_back(problem);
  }
  return options;
}

const Options& GetOptions() { return Current(); }
void SetOptionsForTesting(const Options& options) { Current() = options; }

}  // namespace stranded
