#include "detector/input/go_wrapped.h"

#include <array>
#include <nlohmann/json.hpp>

namespace stranded::detector {

bool UnwrapJsonLine(std::string_view line, std::string& text) {
  static constexpr std::array kKeys =
      std::to_array<std::string_view>({"Output", "log", "message", "MESSAGE", "msg", "line"});
  if (!line.starts_with("{\"") || line.back() != '}') return false;
  for (const std::string_view key : kKeys) {
    const std::size_t at = line.find(key);
    if (at == line.npos || line[at - 1] != '"') continue;
    const auto object = nlohmann::json::parse(line.begin(), line.end(), nullptr, false);
    if (object.is_discarded()) return false;
    const auto field = object.find(std::string(key));
    if (field == object.end() || !field->is_string()) continue;
    text = field->get<std::string>();
    return true;
  }
  return false;
}

}  // namespace stranded::detector
