#include "runtime_hooks/recorder/modules.h"

#include <link.h>
#include <unistd.h>

#include <cstring>
#include <string_view>

namespace stranded::internal {
namespace {

std::string_view BuildId(const dl_phdr_info& info) {
  for (int i = 0; i < info.dlpi_phnum; ++i) {
    const ElfW(Phdr)& ph = info.dlpi_phdr[i];
    if (ph.p_type != PT_NOTE) continue;
    const char* at = reinterpret_cast<const char*>(info.dlpi_addr + ph.p_vaddr);
    const char* end = at + ph.p_memsz;
    while (at + sizeof(ElfW(Nhdr)) <= end) {
      ElfW(Nhdr) note;
      std::memcpy(&note, at, sizeof note);
      const char* name = at + sizeof note;
      const char* desc = name + ((note.n_namesz + 3) & ~3U);
      if (desc + note.n_descsz > end) break;
      if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 &&
          std::memcmp(name, "GNU", 4) == 0) {
        return {desc, note.n_descsz};
      }
      at = desc + ((note.n_descsz + 3) & ~3U);
    }
  }
  return {};
}

int WriteOne(dl_phdr_info* info, std::size_t, void* arg) {
  auto& writer = *static_cast<PacketWriter*>(arg);
  char self[1024];
  std::string_view path = info->dlpi_name;
  if (path.empty()) {
    const ssize_t n = readlink("/proc/self/exe", self, sizeof self);
    if (n > 0) path = {self, static_cast<std::size_t>(n)};
  }
  const std::string_view id = BuildId(*info);
  for (int i = 0; i < info->dlpi_phnum; ++i) {
    const ElfW(Phdr)& ph = info->dlpi_phdr[i];
    if (ph.p_type != PT_LOAD || (ph.p_flags & PF_X) == 0) continue;
    writer.Write<dump::ModuleTag>(dump::PacketTag::kModule, [&](auto& m) {
      m.add_uint64(dump::ModuleTag::kStart, info->dlpi_addr + ph.p_vaddr);
      m.add_uint64(dump::ModuleTag::kEnd, info->dlpi_addr + ph.p_vaddr + ph.p_memsz);
      m.add_uint64(dump::ModuleTag::kFileOffset, ph.p_offset);
      m.add_string(dump::ModuleTag::kPath, path.data(), path.size());
      m.add_bytes(dump::ModuleTag::kBuildId, id.data(), id.size());
      m.add_uint64(dump::ModuleTag::kBias, info->dlpi_addr);
    });
  }
  return 0;
}

}  // namespace

std::uint64_t ModuleLoads() {
  std::uint64_t loads = 0;
  dl_iterate_phdr(
      [](dl_phdr_info* info, std::size_t, void* arg) {
        *static_cast<std::uint64_t*>(arg) = info->dlpi_adds + info->dlpi_subs;
        return 1;
      },
      &loads);
  return loads;
}

void WriteModules(PacketWriter& writer) { dl_iterate_phdr(&WriteOne, &writer); }

}  // namespace stranded::internal
