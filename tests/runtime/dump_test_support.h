// Reads dumps the way a user without our reader would: packet by packet, and with protoc.
#ifndef STRANDED_TESTS_RUNTIME_DUMP_TEST_SUPPORT_H_
#define STRANDED_TESTS_RUNTIME_DUMP_TEST_SUPPORT_H_

#include <gtest/gtest.h>
#include <unistd.h>
#include <zlib.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

namespace stranded {

// A directory that goes away with the test.
class TemporaryDir {
 public:
  TemporaryDir() {
    std::string pattern = (std::filesystem::temp_directory_path() / "stranded-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) std::abort();
    path_ = pattern;
  }
  ~TemporaryDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryDir(const TemporaryDir&) = delete;
  TemporaryDir& operator=(const TemporaryDir&) = delete;
  std::string File(const std::string& name) const { return path_ / name; }
  std::size_t entries() const {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(path_), {}));
  }

 private:
  std::filesystem::path path_;
};

inline std::string ReadFile(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

inline bool HaveProtoc() { return std::system("protoc --version > /dev/null 2>&1") == 0; }

// The dump as protoc's text, decoded with the shipped schema. Empty if protoc refuses it.
inline std::string DecodeWithProtoc(const std::string& dump) {
  const TemporaryDir dir;
  std::ofstream(dir.File("dump"), std::ios::binary) << dump;
  const std::filesystem::path docs =
      std::filesystem::path(__FILE__).parent_path().parent_path().parent_path() / "docs";
  const std::string command = "protoc --decode=stranded.dump.Dump -I" + docs.string() + " " +
                              (docs / "stranded_dump.proto").string() + " < " + dir.File("dump") +
                              " > " + dir.File("text");
  return std::system(command.c_str()) == 0 ? ReadFile(dir.File("text")) : "";
}

// The packets that are complete in `dump`; a packet whose checksum is wrong is a failure.
inline std::vector<std::string_view> WholePackets(std::string_view dump) {
  std::vector<std::string_view> packets;
  while (!dump.empty() && dump[0] == 0x0a) {
    std::size_t at = 1, length = 0;
    unsigned char byte = 0x80;
    for (int shift = 0; byte >= 0x80 && at < dump.size(); shift += 7) {
      byte = static_cast<unsigned char>(dump[at++]);
      length |= static_cast<std::size_t>(byte & 0x7f) << shift;
    }
    if (byte >= 0x80 || at + length > dump.size()) break;
    const std::string_view packet = dump.substr(at, length);
    std::uint32_t stored = 0;
    std::memcpy(&stored, packet.data() + 1, sizeof stored);
    const std::string_view body = packet.substr(5);
    EXPECT_EQ(stored, crc32(0, reinterpret_cast<const unsigned char*>(body.data()),
                            static_cast<unsigned>(body.size())));
    packets.push_back(body);
    dump.remove_prefix(at + length);
  }
  return packets;
}

// The text of the packets of one kind (as "task {") that contain `what`.
inline std::vector<std::string> PacketsWith(const std::string& text, const std::string& kind,
                                            const std::string& what) {
  std::vector<std::string> found;
  const std::string begin = "\n  " + kind + " {\n";
  for (std::size_t at = text.find(begin); at != std::string::npos; at = text.find(begin, at + 1)) {
    const std::string packet = text.substr(at, text.find("\n  }\n", at) - at);
    if (packet.find(what) != std::string::npos) found.push_back(packet);
  }
  return found;
}

}  // namespace stranded

#endif  // STRANDED_TESTS_RUNTIME_DUMP_TEST_SUPPORT_H_
