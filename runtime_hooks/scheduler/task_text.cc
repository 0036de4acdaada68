#include "runtime_hooks/scheduler/task_text.h"

#include <atomic>

#include "absl/strings/str_cat.h"
#include "stranded/internal/recorder_hooks.h"

namespace stranded::internal {
namespace {

std::atomic<FileNamer> file_namer{nullptr};

// 0x80 to 0x9f are two bytes in UTF-8.
bool BeginsLateControl(std::string_view rest) {
  if (rest.size() < 2 || static_cast<unsigned char>(rest[0]) != 0xC2) return false;
  const auto second = static_cast<unsigned char>(rest[1]);
  return second >= 0x80 && second < 0xA0;
}

}  // namespace

std::string PlainText(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (BeginsLateControl(text.substr(i))) ++i;
    const auto byte = static_cast<unsigned char>(text[i]);
    const bool late = i > 0 && BeginsLateControl(text.substr(i - 1));
    if (byte == '\n') {
      plain += "\\n";
    } else if (byte == '\t') {
      plain += "\\t";
    } else if (byte < 0x20 || byte == 0x7f || late) {
      absl::StrAppend(&plain, "\\x", absl::Hex(byte, absl::kZeroPad2));
    } else {
      plain += text[i];
    }
  }
  return plain;
}

void SetFileNamer(FileNamer namer) { file_namer.store(namer, std::memory_order_release); }

std::string QuotedName(const Task* task) {
  return task->name().empty() ? "" : absl::StrCat(" \"", PlainText(task->name()), "\"");
}

std::string PlaceText(const std::source_location& site) {
  const FileNamer namer = file_namer.load(std::memory_order_acquire);
  return absl::StrCat(namer == nullptr ? site.file_name() : namer(site.file_name()), ":",
                      site.line());
}

}  // namespace stranded::internal
