// A finding as static HTML: verdict, facts, stack, fixes, next commands.
#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "detector/report/html_escape.h"
#include "detector/report/html_page.h"
#include "detector/report/portable.h"
#include "detector/rules/rule.h"

namespace stranded::detector {
namespace {

std::string Site(const SourceSite& site, bool function = true) {
  if (!site.known()) return "an unknown place";
  std::string out = absl::StrCat("<code class=site>", EscapeHtml(site.ToString()), "</code>");
  if (function && !site.function.empty()) {
    absl::StrAppend(&out, " <span class=fn>in ", EscapeHtml(site.function), "</span>");
  }
  return out;
}

// The script makes a link of it; without a script it is text.
std::string Ref(std::string_view kind, std::uint64_t id, std::string_view text) {
  if (id == 0) return EscapeHtml(text);
  return absl::StrCat("<a data-ref=\"", std::string(kind), "-", id, "\">", EscapeHtml(text),
                      "</a>");
}

void Row(std::string& out, std::string_view label, const std::string& html) {
  absl::StrAppend(&out, "<div><dt>", std::string(label), "</dt><dd>", html, "</dd></div>\n");
}

// A sentence, with the places in it set as code.
std::string Sentence(const std::string& text) {
  std::string out;
  for (const absl::string_view part : absl::StrSplit(text, ' ')) {
    const std::string word(part);
    const std::size_t end = word.find_last_not_of(",.;)") + 1;
    const std::size_t begin = std::min(word.find_first_not_of('('), end);
    const std::size_t colon = word.rfind(':', end == 0 ? 0 : end - 1);
    const bool place = colon != std::string::npos && colon + 1 < end && colon > begin &&
                       word.find('.') < colon &&
                       std::all_of(word.begin() + static_cast<std::ptrdiff_t>(colon) + 1,
                                   word.begin() + static_cast<std::ptrdiff_t>(end),
                                   [](char c) { return c >= '0' && c <= '9'; });
    if (!out.empty()) out += ' ';
    if (!place) {
      out += EscapeHtml(word);
      continue;
    }
    absl::StrAppend(&out, EscapeHtml(word.substr(0, begin)), "<code class=site>",
                    EscapeHtml(word.substr(begin, end - begin)), "</code>",
                    EscapeHtml(word.substr(end)));
  }
  return out;
}

std::string Ages(const FindingData& d) {
  if (d.max_age_ns == 0) return "";
  const std::string least = Span(d.min_age_ns), most = Span(d.max_age_ns);
  return least == most ? most : absl::StrCat(least, " to ", most);
}

std::string ChannelHtml(const ChannelFacts& c) {
  std::string out = Ref("channel", c.id, absl::StrCat("channel ", c.id));
  absl::StrAppend(&out, " made at ", Site(c.site, false), ": <code>Chan&lt;",
                  EscapeHtml(c.elem_type), "&gt;</code>, capacity <b>", c.capacity, "</b>");
  if (c.capacity > 0) absl::StrAppend(&out, " (", c.length, " in it)");
  absl::StrAppend(&out, "<span class=sub>", Operations(c.sends_started, c.sends_completed, "send"),
                  " · ", Operations(c.recvs_started, c.recvs_completed, "receive"),
                  c.closed ? " · closed" : "");
  if (c.instances > 1) absl::StrAppend(&out, " · one of ", c.instances, " made there");
  return out + "</span>";
}

std::string ContextHtml(const ContextStep& c) {
  std::string out = c.id == 0 ? absl::StrCat("<b>", EscapeHtml(c.kind), "</b>")
                              : absl::StrCat("<b>", Ref("context", c.id, c.kind), "</b>");
  if (c.site.known()) absl::StrAppend(&out, " at ", Site(c.site, false));
  if (!c.value.empty()) {
    absl::StrAppend(&out, " <code>", EscapeHtml(c.key_type), " = ", EscapeHtml(c.value), "</code>");
  }
  if (!c.ended) return absl::StrCat("<li>", out, "</li>\n");
  absl::StrAppend(&out, " <span class=ended>", EscapeHtml(c.err), " ", Ago(c.ended_ago_ns),
                  "</span>");
  if (!c.origin) {
    absl::StrAppend(&out, " with the context above");
  } else {
    absl::StrAppend(&out, " by <span class=say>", EscapeHtml(c.ended_by), "</span>");
    if (c.ended_site.known()) absl::StrAppend(&out, " at ", Site(c.ended_site, false));
  }
  if (!c.cause.empty()) {
    absl::StrAppend(&out, "<span class=sub>cause: ", EscapeHtml(c.cause), "</span>");
  }
  return absl::StrCat("<li class=", c.origin ? "origin" : "ended-too", ">", out, "</li>\n");
}

std::string SpawnHtml(const FindingData& d) {
  std::string out;
  for (std::size_t i = 0; i < d.ancestry.size(); ++i) {
    const SpawnStep& step = d.ancestry[i];
    if (!step.site.known()) continue;  // main, or an adopted thread
    absl::StrAppend(&out, "<li>at ", Site(step.site));
    if (i + 1 < d.ancestry.size()) {
      absl::StrAppend(&out, " by ", Ref("task", d.ancestry[i + 1].task, d.ancestry[i + 1].name));
    }
    if (step.elided > 0) {
      absl::StrAppend(&out, "<span class=sub>", step.elided, " generations left out</span>");
    }
    out += "</li>\n";
  }
  return out;
}

void Say(std::string& out, std::string_view label, const std::vector<std::string>& lines) {
  if (lines.empty()) return;
  std::string items;
  for (const std::string& line : lines) {
    absl::StrAppend(&items, "<li class=say>", Sentence(line), "</li>");
  }
  Row(out, label, absl::StrCat("<ul class=plain>", items, "</ul>"));
}

std::string TasksHtml(const FindingData& d) {
  constexpr std::size_t kMost = 8;
  std::string out;
  for (std::size_t i = 0; i < std::min(d.tasks.size(), kMost); ++i) {
    absl::StrAppend(&out, i == 0 ? "" : ", ", Ref("task", d.tasks[i], absl::StrCat(d.tasks[i])));
  }
  if (d.task_count > std::min(d.tasks.size(), kMost)) {
    absl::StrAppend(&out, " <span class=sub-in>and ",
                    d.task_count - std::min(d.tasks.size(), kMost), " more</span>");
  }
  return out;
}

std::string Facts(const FindingData& d) {
  std::string out;
  if (d.wait_site.known() && d.wait != "lost cancel") {
    const std::string ages = Ages(d);
    const bool blocked = d.wait != "sleep" && d.wait != "running" && d.verdict != "predicted";
    Row(out, blocked ? "Blocked" : "At",
        absl::StrCat(blocked ? "at " : "", Site(d.wait_site),
                     ages.empty() ? "" : absl::StrCat("<span class=sub>for ", ages, "</span>")));
  }
  if (d.has_channel) Row(out, "Channel", ChannelHtml(d.channel));
  if (d.sync_site.known()) Row(out, "Made", absl::StrCat("at ", Site(d.sync_site)));
  if (d.contexts.size() > 1 || (d.contexts.size() == 1 && d.contexts[0].ended)) {
    std::string chain;
    for (const ContextStep& c : d.contexts) chain += ContextHtml(c);
    Row(out, "Context", absl::StrCat("<ol class=chain>\n", chain, "</ol>"));
  }
  if (const std::string spawns = SpawnHtml(d); !spawns.empty()) {
    Row(out, "Spawned", absl::StrCat("<ol class=plain>\n", spawns, "</ol>"));
  }
  Say(out, "Peer", d.peer);
  Say(out, "Waits", d.graph);
  Say(out, "Note", d.notes);
  if (!d.tasks.empty()) Row(out, d.task_count == 1 ? "Task" : "Tasks", TasksHtml(d));
  return absl::StrCat("<dl class=facts>\n", out, "</dl>\n");
}

std::string FrameHtml(const StackFrame& f, FrameOwner owner) {
  const std::string name = f.function.empty() ? absl::StrCat("in ", f.module) : f.function;
  std::string out = absl::StrCat("<li class=", owner == FrameOwner::kUser ? "user" : "other",
                                 "><code>", EscapeHtml(name), "</code>");
  if (f.line != 0) {
    absl::StrAppend(&out, " <code class=site>", EscapeHtml(f.file), ":", f.line, "</code>");
  }
  return out + "</li>\n";
}

// Runs of frames that are not the user's are folded.
std::string Stack(const FindingData& d, const std::vector<FrameOwner>& owners) {
  if (d.stack.empty() && d.stack_note.empty()) return "";
  const auto owner = [&](std::size_t i) {
    return i < owners.size() ? owners[i] : FrameOwner::kUser;
  };
  std::string out;
  for (std::size_t i = 0; i < d.stack.size();) {
    if (owner(i) == FrameOwner::kUser) {
      out += FrameHtml(d.stack[i], FrameOwner::kUser);
      ++i;
      continue;
    }
    std::size_t end = i;
    std::string run;
    for (; end < d.stack.size() && owner(end) != FrameOwner::kUser; ++end) {
      run += FrameHtml(d.stack[end], owner(end));
    }
    absl::StrAppend(&out, "<li class=fold><details><summary>", end - i,
                    end - i == 1 ? " frame" : " frames",
                    " of the runtime and libraries</summary><ol>\n", run, "</ol></details></li>\n");
    i = end;
  }
  if (!d.stack_note.empty()) {
    absl::StrAppend(&out, "<li class=other>", EscapeHtml(d.stack_note), "</li>\n");
  }
  return absl::StrCat("<section class=stack><h3>Stack</h3><ol class=frames>\n", out,
                      "</ol></section>\n");
}

std::string Diff(const std::string& diff) {
  std::string out;
  for (const absl::string_view part : absl::StrSplit(diff, '\n')) {
    const std::string line(part);
    if (line.empty()) continue;
    const char* kind = absl::StartsWith(line, "+++") || absl::StartsWith(line, "---") ? "file"
                       : line[0] == '@'                                               ? "hunk"
                       : line[0] == '+'                                               ? "add"
                       : line[0] == '-'                                               ? "del"
                                                                                      : "ctx";
    absl::StrAppend(&out, "<span class=", kind, ">", EscapeHtml(line), "\n</span>");
  }
  return absl::StrCat("<pre class=diff data-copy=\"diff\">", out, "</pre>\n");
}

std::string FixHtml(const Fix& fix, bool first) {
  const bool proven = absl::StartsWith(fix.verification, "verified");
  std::string out = absl::StrCat("<div class=fix><p class=do><span class=or>", first ? "Fix" : "Or",
                                 "</span> ", Sentence(fix.summary), " <span class=\"check ",
                                 proven ? "yes" : "no", "\">", EscapeHtml(fix.verification),
                                 "</span></p>\n<p class=why>", Sentence(fix.reason), "</p>\n");
  for (const std::string& w : fix.warnings) {
    absl::StrAppend(&out, "<p class=warn>Check: ", Sentence(w), "</p>\n");
  }
  if (!fix.diff.empty()) out += Diff(fix.diff);
  return out + "</div>\n";
}

std::string Command(const std::string& text) {
  return absl::StrCat("<li><code data-copy=\"command\">", EscapeHtml(text), "</code></li>");
}

std::string Next(const FindingData& d, std::string_view file) {
  return absl::StrCat(
      "<section class=next><h3>Next</h3><ul class=plain>",
      d.tasks.empty()
          ? ""
          : Command(absl::StrCat("stranded show ", std::string(file), " task:", d.tasks[0])),
      Command(absl::StrCat("stranded suppress ", std::string(file), " ", d.fingerprint)),
      Command(absl::StrCat("stranded explain ", d.rule)), "</ul><p class=print>",
      EscapeHtml(d.fingerprint), "</p></section>\n");
}

}  // namespace

FrameOwner OwnerOf(const StackFrame& frame) {
  if (frame.runtime) return FrameOwner::kRuntime;
  if (frame.library || frame.function.empty() || frame.line == 0 ||
      absl::StartsWith(frame.file, "/usr/") || absl::StartsWith(frame.function, "std::") ||
      absl::StartsWith(frame.function, "__")) {
    return FrameOwner::kLibrary;
  }
  return FrameOwner::kUser;
}

std::string HtmlFinding(const FindingData& d, std::size_t number,
                        const std::vector<FrameOwner>& owners, std::string_view dump_file) {
  const std::string rule = EscapeHtml(d.rule), verdict = EscapeHtml(d.verdict);
  const SourceSite& site = MainSite(d);
  std::string out =
      absl::StrCat("<article class=finding id=F", number, " data-rule=\"", rule,
                   "\" data-verdict=\"", verdict, "\">\n<details", number <= 3 ? " open" : "",
                   "><summary><span class=num>", number, "</span><span class=head><h2>",
                   EscapeHtml(d.title), "</h2><span class=meta><span class=\"badge v-", verdict,
                   "\">", verdict, "</span><a href=\"#rule-", rule, "\">", rule, "</a>");
  if (site.known()) {
    absl::StrAppend(&out, "<code class=site>", EscapeHtml(site.ToString()), "</code>");
  }
  absl::StrAppend(&out, "<span>", d.task_count, d.task_count == 1 ? " task" : " tasks",
                  "</span></span></span></summary>\n<div class=body>\n", Facts(d),
                  "<div class=draw data-draw=\"", number, "\"></div>\n", Stack(d, owners));
  if (!d.fixes.empty()) {
    out += "<section class=fixes><h3>How to fix it</h3>\n";
    for (const Fix& fix : d.fixes) out += FixHtml(fix, &fix == &d.fixes.front());
    out += "</section>\n";
  }
  return absl::StrCat(out, Next(d, dump_file), "</div></details></article>\n");
}

}  // namespace stranded::detector
