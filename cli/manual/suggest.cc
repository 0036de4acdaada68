#include "cli/manual/suggest.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace stranded::cli {
namespace {

// Edits that turn one word into the other; two letters that changed places are one.
std::size_t Distance(const std::string& a, const std::string& b) {
  std::vector<std::vector<std::size_t>> d(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) d[i][0] = i;
  for (std::size_t j = 0; j <= b.size(); ++j) d[0][j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t change = d[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      d[i][j] = std::min({change, d[i - 1][j] + 1, d[i][j - 1] + 1});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
      }
    }
  }
  return d[a.size()][b.size()];
}

}  // namespace

std::string Nearest(const std::string& given, const std::vector<std::string>& known) {
  constexpr std::size_t kLongest = 64;  // nobody mistypes more than that
  if (given.empty() || given.size() > kLongest) return "";
  std::string best;
  // One letter of a short word may be wrong, a third of others, three of a long one.
  std::size_t least = std::min<std::size_t>(4, std::max<std::size_t>(1, given.size() / 3) + 1);
  for (const std::string& word : known) {
    std::size_t distance = Distance(given, word);
    if (word.starts_with(given)) distance = std::min<std::size_t>(distance, 1);
    if (distance < least) {
      least = distance;
      best = word;
    }
  }
  return best;
}

std::string DidYouMean(const std::string& given, const std::vector<std::string>& known) {
  const std::string meant = Nearest(given, known);
  return meant.empty() ? "" : absl::StrCat("; did you mean '", meant, "'?");
}

}  // namespace stranded::cli
