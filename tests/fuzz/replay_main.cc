// Stands in for libFuzzer where there is none: the corpus, then random damage to it for some
// seconds.
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

void Run(const std::string& input) {
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(input.data()), input.size());
}

std::string Damage(std::string input, std::mt19937& random) {
  const auto pick = [&](std::size_t n) { return n == 0 ? 0 : random() % n; };
  for (std::size_t i = pick(8) + 1; i-- > 0 && !input.empty();) {
    switch (pick(5)) {
      case 0: input[pick(input.size())] = static_cast<char>(random()); break;
      case 1: input.resize(pick(input.size())); break;
      case 2: input.insert(pick(input.size()), 1 + pick(8), static_cast<char>(random())); break;
      case 3: input.erase(pick(input.size()), 1 + pick(16)); break;
      default: input[pick(input.size())] ^= static_cast<char>(1 << pick(8)); break;
    }
  }
  return input;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: %s CORPUS_DIR SECONDS\n", argv[0]);
    return 2;
  }
  std::vector<std::string> corpus;
  for (const auto& entry : std::filesystem::directory_iterator(argv[1])) {
    std::ifstream in(entry.path(), std::ios::binary);
    corpus.emplace_back(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
  }
  if (corpus.empty()) {
    std::fprintf(stderr, "%s holds no inputs\n", argv[1]);
    return 1;
  }
  for (const std::string& input : corpus) Run(input);
  std::mt19937 random(1);
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(std::atoi(argv[2]));
  std::size_t runs = 0;
  for (; std::chrono::steady_clock::now() < end; ++runs) {
    Run(Damage(corpus[random() % corpus.size()], random));
  }
  std::printf("%zu inputs, %zu damaged ones\n", corpus.size(), runs);
}
