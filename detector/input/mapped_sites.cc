#include "detector/input/mapped_sites.h"

namespace stranded::detector {

std::string_view MappedSites::Text(std::uint64_t unit) const {
  if (unit == 0 || unit > bytes_.size() / mapped::kTextUnit) return {};
  const std::size_t at = unit * mapped::kTextUnit;
  if (at + 4 > bytes_.size()) return {};
  const auto size = Load<std::uint32_t>(bytes_, at);
  if (size > mapped::kLongestText || size > bytes_.size() - at - 4) return {};
  return bytes_.substr(at + 4, size);
}

void MappedSites::Read(const mapped::Block& block, std::size_t at, std::size_t records) {
  const std::size_t count = std::min<std::uint64_t>(block.count, records);
  for (std::size_t i = 0; i < count; ++i) {
    const auto record = Load<mapped::Site>(bytes_, at + i * sizeof(mapped::Site));
    if (record.line == 0) {
      types_[record.key] = Text(record.file);
      continue;
    }
    const auto id = static_cast<SiteId>(dump_.sites.size() + 1);
    dump_.sites[id] = {Text(record.file), Text(record.function), record.line, record.column};
    ids_[record.key] = id;
  }
}

}  // namespace stranded::detector
