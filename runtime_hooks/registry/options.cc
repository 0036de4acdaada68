#include "stranded/options.h"

#include <cstdlib>
#include <functional>
#include <map>

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

// Empty, or what is wrong with the value.
std::string Set(Options& o, const std::string& key, const std::string& value) {
  char* end = nullptr;
  const auto number = std::strtoull(value.c_str(), &end, 10);
  const bool numeric = !value.empty() && *end == '\0';
  if (key == "dump") {
    o.dump = value;
  } else if (key == "record") {
    if (!OneOf(value, {"off", "state", "trace"})) return "record accepts off, state, trace";
    o.record = value;
  } else if (key == "schedule") {
    if (!OneOf(value, {"controlled", "threads"})) return "schedule accepts controlled, threads";
    o.schedule = value;
  } else if (!OneOf(key, {"seed", "runs", "workers", "exitcode", "grace_ms"})) {
    return "unknown key '" + key +
           "'; accepted: dump, record, schedule, seed, runs, workers, exitcode, grace_ms";
  } else if (!numeric) {
    return key + " needs a number, not '" + value + "'";
  } else if (key == "seed") {
    o.seed = number;
  } else if (key == "runs") {
    o.runs = static_cast<int>(number);
  } else if (key == "grace_ms") {
    o.grace_ms = static_cast<int>(number);
  } else if (key == "workers") {
    o.workers = static_cast<int>(number);
  } else {
    o.exitcode = static_cast<int>(number);
  }
  return "";
}

}  // namespace

Options ParseOptions(const std::string& text) {
  Options options;
  std::size_t at = 0;
  while (at < text.size()) {
    std::size_t end = text.find(':', at);
    if (end == std::string::npos) end = text.size();
    const std::string item = text.substr(at, end - at);
    at = end + 1;
    if (item.empty()) continue;
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
