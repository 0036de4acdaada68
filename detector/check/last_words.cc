#include "detector/check/last_words.h"

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <mutex>
#include <utility>

namespace stranded::detector {

std::atomic<bool> has_last_words{false};

namespace {

struct Words {
  std::mutex mutex;
  std::string text;  // guarded by mutex
};
Words& TheWords() {
  static auto& words = *new Words;  // never destroyed: the end may come after statics
  return words;
}

std::terminate_handler terminate_before = nullptr;

void SayThem() {
  std::string text;
  // The thread that ends the process may be the one that has it.
  if (std::unique_lock lock(TheWords().mutex, std::try_to_lock); lock.owns_lock()) {
    text = std::exchange(TheWords().text, "");
  }
  std::fflush(stdout);
  std::fputs(text.c_str(), stderr);
  if (terminate_before != nullptr) terminate_before();
  std::abort();
}

}  // namespace

void SetLastWords(std::string text) {
  const std::lock_guard lock(TheWords().mutex);
  TheWords().text = std::move(text);
  has_last_words.store(true, std::memory_order_relaxed);
  if (terminate_before == nullptr) terminate_before = std::set_terminate(&SayThem);
}

void TakeBackLastWordsSet() {
  const std::lock_guard lock(TheWords().mutex);
  TheWords().text.clear();
  has_last_words.store(false, std::memory_order_relaxed);
}

}  // namespace stranded::detector
