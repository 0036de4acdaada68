// In which function a line stands, and what stands behind it there.
#include "detector/fixes/function_text.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace stranded::detector {
namespace {

// Of the only Send() in the text: its function's lines, to whom it was handed, whether it can be
// left by a plain return, and the cleanup behind. "?": not known.
std::string Around(const std::string& text) {
  const std::vector<std::string> lines = absl::StrSplit(text, '\n');
  const SourceCode code(lines);
  for (std::size_t line = 1; line <= lines.size(); ++line) {
    const auto at = code.CallOf("Send", line);
    if (!at.has_value()) continue;
    const auto function = code.FunctionAt(*at);
    if (!function.has_value()) return "?";
    std::string told = absl::StrCat(function->handed_to, " ");
    if (function->handed_from != 0) absl::StrAppend(&told, function->handed_from, " ");
    absl::StrAppend(&told, function->plain_return ? "void" : "value");
    const std::size_t cleanup = code.CleanupBehind(*at, *function);
    return cleanup == 0 ? told : absl::StrCat(told, " cleanup ", cleanup);
  }
  return "no send";
}

TEST(FunctionText, ALambdaThatIsAnArgument) {
  EXPECT_EQ(Around("Go([=] { c.Send(1); });"), "Go 1 void");
  EXPECT_EQ(Around("stranded::Go({.name = \"a\"}, ctx,\n   [=]() mutable {\n c.Send(1); });"),
            "Go 1 void");
  EXPECT_EQ(Around("x;\npool->Go([c](int) noexcept(true) -> void { c.Send(1); }, 3);"),
            "Go 2 void");
  EXPECT_EQ(Around("g.Go([c](const Context&) -> absl::Status { c.Send(1); });"), "Go 1 value");
  EXPECT_EQ(Around("Go([=] { if (x) { for (;;) { c.Send(1); } } else { F(); } });"), "Go 1 void");
  EXPECT_EQ(Around("Go([=] { if constexpr (x) { c.Send(1); } });"), "Go 1 void");
}

TEST(FunctionText, AnotherLambdaOrAFunction) {
  EXPECT_EQ(Around("Go([=] { auto emit = [&](int v) { c.Send(v); }; emit(1); });"), " void");
  EXPECT_EQ(Around("Go([=] { ForEach(all, [&](int v) { c.Send(v); }); });"), "ForEach 1 void");
  EXPECT_EQ(Around("Go([f = [&] { c.Send(1); }] { f(); });"), " void");
  EXPECT_EQ(Around("Go(x ? [&] { c.Send(1); } : y);"), " void");
  EXPECT_EQ(Around("Go([&] { c.Send(1); }());"), " void");
  EXPECT_EQ(Around("void Emit(const Chan<int>& c) { c.Send(1); }"), " void");
  EXPECT_EQ(Around("static void ns::Server<T>::Emit(int v) const { c.Send(v); }"), " value");
  EXPECT_EQ(Around("static void ns :: Server::Emit(int v) const { c.Send(v); }"), " void");
  EXPECT_EQ(Around("int Emit(int v) { c.Send(v); }"), " value");
  EXPECT_EQ(Around("Server::Server(int v) { c.Send(v); }"), " value");
  EXPECT_EQ(Around("auto F() -> void { c.Send(1); }"), " void");
  EXPECT_EQ(Around("auto F() -> int { c.Send(1); }"), " value");
  EXPECT_EQ(Around("TEST(A, B) {\n  c.Send(1);\n}"), " value");
}

TEST(FunctionText, ReturnsOfItsOwnOnly) {
  EXPECT_EQ(Around("Go([=] { if (x) return;\n c.Send(1); });"), "Go 1 void");
  EXPECT_EQ(Around("Go([=] { c.Send(1);\n return F(); });"), "Go 1 value");
  EXPECT_EQ(Around("Go([=] { c.Send(1); Sort([](int a) { return a; }); });"), "Go 1 void");
  EXPECT_EQ(Around("Go([=] { c.Send(1); switch (x) { case 1: return a; } });"), "Go 1 value");
  // However far away.
  std::string text = "Go([=] {\n c.Send(1);\n";
  for (int i = 0; i < 100; ++i) text += "  F();\n";
  EXPECT_EQ(Around(text + "  return 1;\n});"), "Go 1 value");
}

TEST(FunctionText, WhatIsNoCodeDoesNotCount) {
  EXPECT_EQ(Around("Go([=] {  // }\n/* } */ F(\"}\", '}', R\"x(}\")x\", 1'000);\n c.Send(1); });"),
            "Go 1 void");
  EXPECT_EQ(Around("#define BEGIN {\\\n {\nGo([=] {\n#pragma once }\n c.Send(1); });"),
            "Go 3 void");
  EXPECT_EQ(Around("F(\"c.Send(0)\");  // c.Send(0)\nGo([=] { c.Send(1); });"), "Go 2 void");
}

TEST(FunctionText, WhatIsNotCertainIsNothing) {
  EXPECT_EQ(Around("c.Send(1);"), "?");
  EXPECT_EQ(Around("Go([=] {\n c.Send(1);"), "?");
  EXPECT_EQ(Around("Go([=] {\n#if X\n c.Send(1);\n#else\n F();\n#endif\n});"), "?");
  EXPECT_EQ(Around("auto x = Wrap{c.Send(1)};"), "?");
  EXPECT_EQ(Around("Go([]<class T>(T c) { c.Send(1); });"), "?");
  EXPECT_EQ(Around("struct A { A() : x{1} { c.Send(1); } };"), "?");
  EXPECT_EQ(Around("Go([=] { c.Send(1); d.Send(2); });"), "no send");
}

// A return before it would leave it out; another function's is none of ours.
TEST(FunctionText, CleanupIsTheNextInTheSameFunction) {
  EXPECT_EQ(Around("Go([=] {\n  for (;;) {\n    a.Send(i);\n  }\n  a.Close();\n});"),
            "Go 1 void cleanup 5");
  EXPECT_EQ(Around("Go([=] { a.Send(i); wg->Done(); });"), "Go 1 void cleanup 1");
  EXPECT_EQ(Around("Go([=] { a.Send(i); mu.Unlock();\n s.Release(2); });"), "Go 1 void cleanup 1");
  EXPECT_EQ(Around("Go([=] { a.Send(i); });\nwg.Wait();\na.Close();"), "Go 1 void");
  EXPECT_EQ(Around("struct A {\n  void F() { a.Send(i); }\n  void G() { a.Close(); }\n};"),
            " void");
  EXPECT_EQ(Around("Go([=] { a.Send(i);\n  ctx.Done().Recv();\n Select(OnRecv(ctx.Done())); });"),
            "Go 1 void");
}

}  // namespace
}  // namespace stranded::detector
