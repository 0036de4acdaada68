#include "detector/fixes/function_text.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <regex>

namespace stranded::detector {
namespace {

constexpr std::size_t kNowhere = std::string::npos;

bool IsWordChar(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_'; }
bool IsBlank(char c) { return std::isspace(static_cast<unsigned char>(c)); }
bool Opens(char c) { return c == '(' || c == '[' || c == '{'; }
bool Closes(char c) { return c == ')' || c == ']' || c == '}'; }
char Opening(char close) { return close == ')' ? '(' : close == ']' ? '[' : '{'; }

template <std::size_t kSize>
bool IsOneOf(std::string_view word, const std::array<std::string_view, kSize>& words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

// Where the word begins that ends before `end`.
std::size_t WordBegin(const std::string& text, std::size_t end) {
  while (end > 0 && IsWordChar(text[end - 1])) --end;
  return end;
}

// Behind a literal or a comment that begins at `i`; `i` if none does.
std::size_t BehindQuoted(const std::string& text, std::size_t i) {
  const auto behind = [&](std::string_view end, std::size_t from) {
    const std::size_t at = text.find(end, from);
    return at == kNowhere ? text.size() : at + end.size();
  };
  if (text.compare(i, 2, "//") == 0) {
    std::size_t end = text.find('\n', i);
    while (end != kNowhere && text[end - 1] == '\\') end = text.find('\n', end + 1);
    return std::min(end, text.size());
  }
  if (text.compare(i, 2, "/*") == 0) return behind("*/", i + 2);
  const char quote = text[i];
  if (quote != '"' && quote != '\'') return i;
  const std::size_t word = WordBegin(text, i);
  if (quote == '\'' && word < i && std::isdigit(static_cast<unsigned char>(text[word]))) return i;
  if (quote == '"' && word < i && text[i - 1] == 'R') {
    const std::size_t open = text.find('(', i);
    if (open == kNowhere) return text.size();
    return behind(")" + text.substr(i + 1, open - i - 1) + "\"", open);
  }
  for (std::size_t end = i + 1; end < text.size() && text[end] != '\n'; ++end) {
    if (text[end] == '\\') {
      ++end;
    } else if (text[end] == quote) {
      return end + 1;
    }
  }
  return i + 1;  // it does not end: what is behind it is taken as it stands
}

}  // namespace

// What is before the '{' of a block belongs to the function around it.
struct SourceCode::Header {
  bool function = false;
  std::size_t introducer = kNowhere;  // the '[' of a lambda
  std::size_t name = kNowhere;        // the last letter of a function's
  std::string type;                   // behind the "->" of a lambda
};

SourceCode::SourceCode(const std::vector<std::string>& lines) {
  std::string raw;
  for (const std::string& line : lines) {
    begins_.push_back(raw.size());
    raw += line;
    raw += '\n';
  }
  Blank(raw);
  MatchBrackets();
}

void SourceCode::Blank(const std::string& raw) {
  text_ = raw;
  const auto blank = [&](std::size_t from, std::size_t to) {
    for (; from < to; ++from) {
      if (text_[from] != '\n') text_[from] = ' ';
    }
  };
  bool line_begins = true;
  for (std::size_t i = 0; i < raw.size();) {
    const char c = raw[i];
    if (c == '#' && line_begins) {
      std::size_t end = raw.find('\n', i);
      while (raw[end - 1] == '\\' && end + 1 < raw.size()) end = raw.find('\n', end + 1);
      const std::size_t word = raw.find_first_not_of(" \t", i + 1);
      for (const char* kind : {"if", "el", "endif"}) {
        if (raw.compare(word, std::string_view(kind).size(), kind) == 0) conditionals_.push_back(i);
      }
      blank(i, end);
      i = end;
      continue;
    }
    const std::size_t end = BehindQuoted(raw, i);
    // Quotes stay: a literal is something.
    if (end > i) {
      const bool comment = c == '/';
      blank(comment ? i : i + 1, comment ? end : end - 1);
      line_begins = line_begins && comment;
      i = end;
      continue;
    }
    line_begins = c == '\n' || (line_begins && IsBlank(c));
    ++i;
  }
}

void SourceCode::MatchBrackets() {
  partners_.assign(text_.size(), kNowhere);
  std::vector<std::size_t> open;
  for (std::size_t i = 0; i < text_.size(); ++i) {
    if (Opens(text_[i])) open.push_back(i);
    if (!Closes(text_[i]) || open.empty() || text_[open.back()] != Opening(text_[i])) continue;
    partners_[i] = open.back();
    partners_[open.back()] = i;
    open.pop_back();
  }
}

std::size_t SourceCode::LineOf(std::size_t place) const {
  return static_cast<std::size_t>(std::upper_bound(begins_.begin(), begins_.end(), place) -
                                  begins_.begin());
}

std::size_t SourceCode::Before(std::size_t place) const {
  while (place > 0 && place != kNowhere) {
    if (!IsBlank(text_[--place])) return place;
  }
  return kNowhere;
}

std::size_t SourceCode::Behind(std::size_t place) const {
  for (++place; place < text_.size(); ++place) {
    if (!IsBlank(text_[place])) return place;
  }
  return kNowhere;
}

std::size_t SourceCode::OpenAround(std::size_t place) const {
  while (place > 0) {
    const char c = text_[--place];
    if (Opens(c)) return place;
    if (!Closes(c)) continue;
    place = partners_[place];
    if (place == kNowhere) return kNowhere;
  }
  return kNowhere;
}

std::string SourceCode::WordEndingAt(std::size_t place) const {
  if (place == kNowhere) return "";
  const std::size_t begin = WordBegin(text_, place + 1);
  return text_.substr(begin, place + 1 - begin);
}

std::size_t SourceCode::SkipSpecifiers(std::size_t place) const {
  static constexpr std::array<std::string_view, 6> kSpecifiers = {"mutable",   "noexcept", "const",
                                                                  "constexpr", "override", "final"};
  while (place != kNowhere) {
    const std::string word = WordEndingAt(place);
    if (IsOneOf(word, kSpecifiers)) {
      place = Before(place + 1 - word.size());
      continue;
    }
    if (text_[place] != ')' || partners_[place] == kNowhere) return place;
    const std::size_t before = Before(partners_[place]);
    if (WordEndingAt(before) != "noexcept") return place;
    place = before;
  }
  return place;
}

std::optional<SourceCode::Header> SourceCode::HeaderOf(std::size_t brace) const {
  static constexpr std::array<std::string_view, 5> kStatements = {"if", "for", "while", "switch",
                                                                  "catch"};
  static constexpr std::array<std::string_view, 3> kWords = {"else", "do", "try"};
  Header header;
  std::size_t at = SkipSpecifiers(Before(brace));
  if (at == kNowhere) return std::nullopt;
  if (text_[at] == ';' || text_[at] == '{' || IsOneOf(WordEndingAt(at), kWords)) return header;
  header.function = true;
  if (text_[at] != ')' && text_[at] != ']') {
    std::size_t from = at;
    const auto in_type = [&](char c) {
      return IsWordChar(c) || IsBlank(c) || std::string_view(":<>,*&").find(c) != kNowhere;
    };
    while (from > 0 && in_type(text_[from]) && text_.compare(from - 1, 2, "->") != 0) --from;
    if (from == 0 || text_.compare(from - 1, 2, "->") != 0) return std::nullopt;
    const std::size_t type = Behind(from);
    header.type = text_.substr(type, at + 1 - type);
    at = SkipSpecifiers(Before(from - 1));
    if (at == kNowhere) return std::nullopt;
  }
  std::size_t captures = at;
  if (text_[at] == ')') {
    if (partners_[at] == kNowhere) return std::nullopt;
    captures = Before(partners_[at]);
    if (captures == kNowhere) return std::nullopt;
    const std::string word = WordEndingAt(captures);
    const bool constexpr_if =
        word == "constexpr" && WordEndingAt(Before(captures + 1 - word.size())) == "if";
    if (constexpr_if || IsOneOf(word, kStatements)) return Header{};
    if (!word.empty()) {
      header.name = captures;
      return header;
    }
  }
  if (text_[captures] != ']' || partners_[captures] == kNowhere) return std::nullopt;
  header.introducer = partners_[captures];
  const std::size_t before = Before(header.introducer);
  const std::string word = WordEndingAt(before);
  const bool indexed = before != kNowhere && (text_[before] == ')' || text_[before] == ']');
  if (indexed || (!word.empty() && word != "return")) return std::nullopt;
  return header;
}

void SourceCode::AddCall(std::size_t introducer, FunctionText& function) const {
  const std::size_t before = Before(introducer), behind = Behind(function.close);
  if (before == kNowhere || behind == kNowhere) return;
  if (text_[before] != '(' && text_[before] != ',') return;
  if (text_[behind] != ')' && text_[behind] != ',') return;
  const std::size_t call = OpenAround(introducer);
  if (call == kNowhere || text_[call] != '(') return;
  const std::size_t name = Before(call);
  function.handed_to = WordEndingAt(name);
  if (function.handed_to.empty()) return;
  function.handed_from = LineOf(name);
  function.handed_till = LineOf(introducer);
}

bool SourceCode::ReturnsValue(const FunctionText& function) const {
  static const std::regex returns(R"(\b(return\b\s*[^;\s]|co_))");
  const auto end = text_.begin() + static_cast<std::ptrdiff_t>(function.close);
  std::sregex_iterator at(text_.begin() + static_cast<std::ptrdiff_t>(function.open), end, returns);
  for (; at != std::sregex_iterator(); ++at) {
    const auto place = function.open + static_cast<std::size_t>(at->position());
    std::size_t around = OpenAround(place);
    // Of a function within it, in doubt its own.
    while (around != kNowhere && around != function.open) {
      const std::optional<Header> header =
          text_[around] == '{' ? HeaderOf(around) : std::optional<Header>(Header{});
      if (header.has_value() && header->function) break;
      around = OpenAround(around);
    }
    if (around == kNowhere || around == function.open) return true;
  }
  return false;
}

std::optional<std::size_t> SourceCode::CallOf(std::string_view method, std::size_t line) const {
  if (line == 0 || line > begins_.size()) return std::nullopt;
  const std::size_t end = line == begins_.size() ? text_.size() : begins_[line];
  const std::string call = std::string(method) + "(";
  std::optional<std::size_t> found;
  for (std::size_t at = text_.find(call, begins_[line - 1]); at < end;
       at = text_.find(call, at + 1)) {
    if (at > 0 && IsWordChar(text_[at - 1])) continue;
    if (found.has_value()) return std::nullopt;
    found = at;
  }
  return found;
}

std::optional<FunctionText> SourceCode::FunctionAt(std::size_t place) const {
  for (std::size_t at = OpenAround(place); at != kNowhere; at = OpenAround(at)) {
    if (text_[at] != '{') continue;
    const std::optional<Header> header = HeaderOf(at);
    if (!header.has_value()) return std::nullopt;
    if (!header->function) continue;
    FunctionText function;
    function.open = at;
    function.close = partners_[at];
    if (function.close == kNowhere) return std::nullopt;
    // Of the branches of a directive one is compiled.
    const auto next = std::lower_bound(conditionals_.begin(), conditionals_.end(), function.open);
    if (next != conditionals_.end() && *next < function.close) return std::nullopt;
    if (header->name != kNowhere) {
      function.name = WordEndingAt(header->name);
      function.parameters = ArgumentsIn(Behind(header->name));
      const bool nothing = header->type == "void" || (header->type.empty() && IsVoid(header->name));
      function.plain_return = nothing && !ReturnsValue(function);
    }
    if (header->introducer != kNowhere) {
      AddCall(header->introducer, function);
      const bool nothing = header->type.empty() || header->type == "void";
      function.plain_return = nothing && !ReturnsValue(function);
    }
    return function;
  }
  return std::nullopt;
}

bool SourceCode::BeginsStatement(std::size_t place) const {
  const std::size_t before = Before(place);
  if (before == kNowhere) return false;
  const std::string word = WordEndingAt(before);
  if (word == "else" || word == "do") return true;
  return std::string_view(";{})").find(text_[before]) != std::string_view::npos;
}

bool SourceCode::ElseFollows(std::size_t line) const {
  if (line >= begins_.size()) return false;
  std::size_t at = begins_[line];
  if (IsBlank(text_[at])) at = Behind(at);
  if (at == kNowhere) return false;
  return text_.compare(at, 4, "else") == 0 && !IsWordChar(text_[at + 4]);
}

std::size_t SourceCode::CleanupBehind(std::size_t place, const FunctionText& function) const {
  // The Done() of a context is waited on, and no statement of its own.
  static const std::regex cleans_up(R"((\.|->)((Close|R?Unlock|Release)\s*\(|Done\s*\(\s*\)\s*;))");
  std::smatch found;
  const auto end = text_.begin() + static_cast<std::ptrdiff_t>(function.close);
  const auto begin = text_.begin() + static_cast<std::ptrdiff_t>(place);
  if (!std::regex_search(begin, end, found, cleans_up)) return 0;
  return LineOf(place + static_cast<std::size_t>(found.position()));
}

}  // namespace stranded::detector
