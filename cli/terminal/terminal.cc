#include "cli/terminal/terminal.h"

#include <langinfo.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <clocale>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace stranded::cli {
namespace {

bool Set(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr && *value != '\0';
}

bool Dumb() {
  const char* term = std::getenv("TERM");
  return term != nullptr && std::strcmp(term, "dumb") == 0;
}

// Our own colours (detector/report/text.cc); any other escape sequence is a dump's.
constexpr std::string_view kColors[] = {"\033[0m", "\033[1m", "\033[2m", "\033[1;31m", "\033[32m"};
constexpr std::pair<std::string_view, std::string_view> kAscii[] = {
    {"├─ ", "|- "}, {"└─ ", "`- "}, {"│", "|"}, {"…", "~"}, {"→", "->"}};

std::string_view ColorAt(std::string_view text) {
  for (const std::string_view color : kColors) {
    if (text.starts_with(color)) return color;
  }
  return {};
}

bool Control(unsigned char c) { return (c < 0x20 && c != '\n' && c != '\t') || c == 0x7f; }

// How much of it can be shown everywhere as it is.
std::size_t PlainLength(std::string_view text) {
  const auto* end =
      std::ranges::find_if(text, [](char c) { return (c < 0x20 && c != '\n') || c == 0x7f; });
  return static_cast<std::size_t>(end - text.begin());
}

}  // namespace

bool UseColor(const std::string& when) {
  if (when != "auto") return when == "always";
  return !Set("NO_COLOR") && !Dumb() && isatty(STDOUT_FILENO) == 1;
}

std::size_t Width() {
  if (const char* columns = std::getenv("COLUMNS")) {
    const int given = std::atoi(columns);
    if (given > 0) return static_cast<std::size_t>(given);
  }
  winsize size{};
  if (isatty(STDOUT_FILENO) != 1) return 0;
  return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

std::size_t ReportWidth() { return isatty(STDOUT_FILENO) == 1 ? Width() : 0; }

std::size_t HelpWidth() {
  const std::size_t width = Width();
  return width == 0 ? 80 : std::clamp<std::size_t>(width, 40, 110);
}

bool Utf8Locale() {
  std::setlocale(LC_CTYPE, "");
  return std::strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

std::string Showable(std::string_view text, bool utf8) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t plain = PlainLength(text.substr(i));
    out += text.substr(i, plain);
    i += plain;
    if (i == text.size()) break;
    const std::string_view rest = text.substr(i);
    if (const std::string_view color = ColorAt(rest); !color.empty()) {
      out += color;
      i += color.size();
      continue;
    }
    if (!utf8 && static_cast<unsigned char>(rest[0]) >= 0x80) {
      const auto* drawing = std::ranges::find_if(
          kAscii, [&](const auto& pair) { return rest.starts_with(pair.first); });
      if (drawing != std::end(kAscii)) {
        out += drawing->second;
        i += drawing->first.size();
        continue;
      }
    }
    out += Control(static_cast<unsigned char>(rest[0])) ? '?' : rest[0];
    ++i;
  }
  return out;
}

void Print(std::string_view text) {
  const std::string shown = Showable(text, Utf8Locale());
  std::fwrite(shown.data(), 1, shown.size(), stdout);
}

bool FinishOutput() {
  errno = 0;
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return true;
  std::fprintf(stderr, "stranded: cannot write to standard output: %s\n",
               errno == 0 ? "an earlier write failed" : std::strerror(errno));
  return false;
}

}  // namespace stranded::cli
