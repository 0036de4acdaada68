// Names of types as their users write them.
#include "absl/strings/ascii.h"
#include "detector/rules/rule.h"

namespace stranded::detector {

// absl::lts_20220623::Status, absl::debian3::Status: how Abseil was packaged, not what it is.
std::string WithoutInlineNamespaces(std::string text) {
  constexpr std::string_view kAbsl = "absl::";
  for (std::size_t at = text.find(kAbsl); at != std::string::npos; at = text.find(kAbsl, at)) {
    at += kAbsl.size();
    const std::string_view rest = std::string_view(text).substr(at);
    std::size_t end = rest.starts_with("lts_") ? 4 : rest.starts_with("debian") ? 6 : 0;
    if (end == 0) continue;
    while (end < rest.size() && absl::ascii_isdigit(static_cast<unsigned char>(rest[end]))) ++end;
    if (rest.substr(end, 2) == "::") text.erase(at, end + 2);
  }
  return text;
}

std::string TypeText(std::string_view type) {
  std::string text = WithoutInlineNamespaces(std::string(type));
  static constexpr std::pair<std::string_view, std::string_view> kShort[] = {
      {"std::__cxx11::basic_string<char, std::char_traits<char>, std::allocator<char> >",
       "std::string"},
      {"std::__cxx11::", "std::"},
      {"(anonymous namespace)::", ""},
      {"> >", ">>"},
  };
  for (const auto& [from, to] : kShort) {
    for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at)) {
      text.replace(at, from.size(), to);
    }
  }
  return text;
}

}  // namespace stranded::detector
