#include "stranded/options.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <climits>
#include <cstdlib>
#include <iterator>

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

bool OneOf(const std::string& value, std::initializer_list<const char*> accepted) {
  for (const char* a : accepted) {
    if (value == a) return true;
  }
  return false;
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
std::string Misfit(const NumberKey& k, const std::string& value) {
  const std::string least = std::to_string(k.least);
  const std::string range = k.most == INT_MAX ? " of " + least + " or more"
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
    return "unknown key '" + key +
           "'; accepted: dump, record, trace_file, ring, schedule, seed, runs, workers, exitcode, "
           "grace_ms, stall_s, outside_ms, on_quit, source_root, patch, "
           "explore, schedules, policy, replay, depth, preemptions, delay_us, time_s, first, "
           "run_child";
  }
  if (known != std::end(kNumbers)) {
    if (!numeric || number < static_cast<std::uint64_t>(known->least) ||
        number > static_cast<std::uint64_t>(known->most)) {
      return Misfit(*known, value);
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
    if (!OneOf(value, {"off", "state", "trace"})) return "record accepts off, state, trace";
    o.record = value;
  } else if (key == "on_quit") {
    if (!OneOf(value, {"report", "dump"})) return "on_quit accepts report, dump";
    o.on_quit = value;
  } else if (key == "source_root") {
    o.source_root = value;
  } else if (key == "trace_file") {
    o.trace_file = value;
  } else if (key == "schedule") {
    if (!OneOf(value, {"controlled", "threads"})) return "schedule accepts controlled, threads";
    o.schedule = value;
  } else if (key == "policy") {
    if (!OneOf(value, {"random", "pct", "round-robin", "exhaustive", "replay"})) {
      return "policy accepts random, pct, round-robin, exhaustive, replay";
    }
    o.policy = value;
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
