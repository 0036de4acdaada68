#include "cli/manual/amounts.h"

#include <cmath>
#include <cstdint>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"

namespace stranded::cli {
namespace {

// In seconds; false if it is neither a number nor a duration.
bool ParseSeconds(const std::string& given, double* seconds) {
  if (absl::SimpleAtod(given, seconds)) return true;
  absl::Duration duration;
  if (!absl::ParseDuration(given, &duration)) return false;
  *seconds = absl::ToDoubleSeconds(duration);
  return true;
}

// Leaves the number in place of what was given.
CLI::Option* Seconds(CLI::Option* option, bool zero_too) {
  const auto check = [zero_too](std::string& given) -> std::string {
    double seconds = 0;
    const bool fits = ParseSeconds(given, &seconds) && std::isfinite(seconds) &&
                      (seconds > 0 || (zero_too && seconds == 0));
    if (!fits) {
      return absl::StrCat("'", given, "' is no time", zero_too ? "" : " above 0",
                          ": give seconds, or a duration such as 500ms or 1m30s");
    }
    given = absl::StrCat(seconds);
    return "";
  };
  return option->option_text("SECONDS")->transform(CLI::Validator(check, ""));
}

}  // namespace

CLI::Option* Seconds(CLI::Option* option) { return Seconds(option, true); }
CLI::Option* SomeSeconds(CLI::Option* option) { return Seconds(option, false); }

CLI::Option* Milliseconds(CLI::Option* option) {
  const auto check = [](std::string& given) -> std::string {
    double number = 0, seconds = 0;
    if (!absl::SimpleAtod(given, &number)) {
      if (!ParseSeconds(given, &seconds)) number = -1;
      if (number == 0) number = seconds * 1000;
    }
    if (!(number >= 0 && number < 1e12)) {
      return absl::StrCat("'", given,
                          "' is no time: give milliseconds, or a duration such as 500us or 2s");
    }
    given = absl::StrCat(number);
    return "";
  };
  return option->option_text("MS")->transform(CLI::Validator(check, ""));
}

CLI::Option* AnyNumber(CLI::Option* option) {
  const auto check = [](const std::string& given) -> std::string {
    std::uint64_t number = 0;
    if (absl::SimpleAtoi(given, &number)) return "";
    return absl::StrCat("'", given, "' is not a whole number of 0 or more");
  };
  return option->option_text("N")->check(CLI::Validator(check, ""));
}

CLI::Option* NotEmpty(CLI::Option* option, const char* value) {
  const auto check = [value](const std::string& given) {
    return given.empty() ? absl::StrCat("is empty; give a ", value) : std::string();
  };
  return option->option_text(value)->check(CLI::Validator(check, ""));
}

CLI::Option* AtLeast(CLI::Option* option, const char* value, std::int64_t least,
                     std::int64_t most) {
  const auto check = [least, most](const std::string& given) -> std::string {
    std::int64_t number = 0;
    const bool fits = absl::SimpleAtoi(given, &number);  // too many digits: as much as there can be
    if (number > most) return absl::StrCat("'", given, "' is too much; at most ", most);
    if (fits && number >= least) return "";
    return absl::StrCat("'", given, "' is not a whole number of ", least, " or more");
  };
  return option->option_text(value)->check(CLI::Validator(check, ""));
}

}  // namespace stranded::cli
