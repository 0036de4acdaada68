#include "cli/manual/choices.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "cli/manual/suggest.h"

namespace stranded::cli {
namespace {

constexpr const char* kName = "choices";
constexpr std::size_t kMostListed = 12;

// The option keeps its validators, and so the list, which is the description of one.
CLI::Option* Attach(CLI::Option* option, const std::string& value,
                    const std::vector<std::string>& choices,
                    std::function<std::string(std::string&)> check) {
  return option->option_text(value)->check(
      CLI::Validator(std::move(check), absl::StrJoin(choices, "|"), kName));
}

}  // namespace

CLI::Option* OneOf(CLI::Option* option, const std::string& value,
                   std::vector<std::string> choices) {
  const auto check = [choices, value](std::string& given) -> std::string {
    if (std::ranges::find(choices, given) != choices.end()) return "";
    // A long list would hide what is most likely meant.
    const std::string meant = DidYouMean(given, choices);
    if (choices.size() > kMostListed && !meant.empty()) {
      return absl::StrCat("'", given, "' is no ", value, meant);
    }
    return absl::StrCat("'", given, "' is none of ", absl::StrJoin(choices, ", "), meant);
  };
  return Attach(option, value, choices, check);
}

CLI::Option* Offer(CLI::Option* option, const std::string& value,
                   std::vector<std::string> choices) {
  return Attach(option, value, choices, [](std::string&) { return std::string(); });
}

std::vector<std::string> ChoicesOf(CLI::Option& option) {
  try {
    for (int i = 0;; ++i) {
      const CLI::Validator* validator = option.get_validator(i);
      if (validator->get_name() != kName) continue;
      return absl::StrSplit(validator->get_description(), '|', absl::SkipEmpty());
    }
  } catch (const CLI::OptionNotFound&) {
    return {};  // that is how CLI11 says that there are no more
  }
}

}  // namespace stranded::cli
