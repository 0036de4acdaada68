// Whether a return from a function ends the task.
#include "detector/fixes/task_body.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace stranded::detector {
namespace {

std::string Handed(const std::string& text) {
  const SourceCode code(absl::StrSplit(text, '\n'));
  const auto call = code.OnlyCallHandedTo("Go", 1);
  if (!call.has_value()) return "?";
  return absl::StrCat(call->qualifier, call->name, " ", call->arguments);
}

TEST(TaskBody, TheOnlyCallOfALambda) {
  EXPECT_EQ(Handed("Go([=] { Produce(ctx, out); });"), "Produce 2");
  EXPECT_EQ(Handed("stranded::Go(ctx, [=]() mutable -> void {\n  jobs :: Run();\n});"),
            "jobs::Run 0");
  EXPECT_EQ(Handed("group.Go({.name = \"a\"}, [this] { return this->Loop(Pair{1, 2}); });"),
            "this->Loop 1");
  EXPECT_EQ(Handed("Go([m = std::map<int, int>()] { Use(std::map<int, int>(), F(1, 2), m); });"),
            "Use 3");
  EXPECT_EQ(Handed("Go(Produce);"), "Produce 0");
  EXPECT_EQ(Handed("Go(ctx, &app::Produce);"), "app::Produce 0");
}

TEST(TaskBody, MoreThanThatIsNothing) {
  EXPECT_EQ(Handed("Go([=] { Produce(ctx); Count(); });"), "?");
  EXPECT_EQ(Handed("Go([=] { if (x) Produce(ctx); });"), "?");
  EXPECT_EQ(Handed("Go([=] { server->Run(); });"), "?");
  EXPECT_EQ(Handed("Go([=] { server.Run(); });"), "?");
  EXPECT_EQ(Handed("Go([=] { Make().Run(); });"), "?");
  EXPECT_EQ(Handed("Go([=] { all[0](); });"), "?");
  EXPECT_EQ(Handed("Go([=] { int x = Produce(ctx); });"), "?");
  EXPECT_EQ(Handed("Go([=] {});"), "?");
  EXPECT_EQ(Handed("Go(Bind(Produce, 1));"), "?");
  EXPECT_EQ(Handed("Go([=] { A(); }), Go([=] { B(); });"), "?");
  EXPECT_EQ(Handed("Go([=] { A();"), "?");
}

class TaskBodyFile : public ::testing::Test {
 protected:
  TaskBodyFile() { std::filesystem::create_directories(root_); }
  ~TaskBodyFile() override { std::filesystem::remove_all(root_); }

  // Of the only Send() in `text`, in a function that the compiler calls `wait_function`, for a task
  // that the only Go() there starts, in one that it calls `spawn_function`.
  bool EndsTask(const std::string& text, const std::string& spawn_function,
                const std::string& wait_function) {
    std::ofstream(root_ / "a.cc") << text;
    const std::vector<std::string> lines = absl::StrSplit(text, '\n');
    const SourceCode code(lines);
    SourceSite spawn, wait;
    std::optional<FunctionText> function;
    for (std::uint32_t line = 1; line <= lines.size(); ++line) {
      if (code.CallOf("Go", line).has_value()) spawn.line = line;
      if (const auto at = code.CallOf("Send", line)) {
        wait.line = line;
        function = code.FunctionAt(*at);
      }
    }
    spawn.file = wait.file = "a.cc";
    spawn.function = spawn_function;
    wait.function = wait_function;
    return function.has_value() && IsAllOfTask(spawn, wait, code, *function, root_.string());
  }

 private:
  const std::filesystem::path root_ =
      std::filesystem::temp_directory_path() / absl::StrCat("stranded_task_body.", getpid());
};

TEST_F(TaskBodyFile, ALambdaOrTheFunctionThatItCalls) {
  EXPECT_TRUE(
      EndsTask("void F() {\n Go([=] {\n c.Send(1);\n });\n}", "void F()", "F()::<lambda()>"));
  const std::string helper =
      "void Produce(Chan<int> c) {\n c.Send(1);\n}\nint main() {\n Go([=] { Produce(c); });\n}";
  EXPECT_TRUE(EndsTask(helper, "int main()", "void Produce(stranded::Chan<int>)"));
  EXPECT_TRUE(EndsTask(helper, "int main()", "void {anonymous}::Produce(stranded::Chan<int>)"));
  EXPECT_TRUE(
      EndsTask(helper, "void app::Server::Start()", "void app::Produce(stranded::Chan<int>)"));
  EXPECT_TRUE(EndsTask(helper, "void app::Server::Start()",
                       "void app::Server::Produce(stranded::Chan<int>)"));
}

TEST_F(TaskBodyFile, AnotherFunctionOfThatName) {
  const std::string helper =
      "void Produce(Chan<int> c) {\n c.Send(1);\n}\nint main() {\n Go([=] { Produce(c); });\n}";
  EXPECT_FALSE(EndsTask(helper, "int main()", "void app::Produce(stranded::Chan<int>)"));
  EXPECT_FALSE(EndsTask(helper, "void app::Server::Start()",
                        "void app::Impl::Produce(stranded::Chan<int>)"));
  EXPECT_FALSE(EndsTask(helper, "main", "Produce"));  // not known
  EXPECT_TRUE(EndsTask(helper, "app::Server::Server(int)",
                       "void {anonymous}::app::Server::Produce(stranded::Chan<int>)"));
  const std::string own =
      "void S::Loop() {\n c.Send(1);\n}\nvoid S::Start() {\n Go([this] { this->Loop(); });\n}";
  EXPECT_TRUE(EndsTask(own, "void S::Start()", "void S::Loop()"));
  EXPECT_FALSE(EndsTask(own, "void S::Start()", "void Base::Loop()"));
}

TEST_F(TaskBodyFile, AHelperOfWhatTheTaskDoes) {
  EXPECT_FALSE(
      EndsTask("void Emit(int v) {\n c.Send(v);\n}\nint main() {\n Go([=] {\n"
               "  for (;;) Emit(1);\n });\n}",
               "int main()", "void Emit(int)"));
  // Of two with the name one calls the other.
  EXPECT_FALSE(
      EndsTask("void Run(int a, int b) {\n c.Send(a);\n}\nint main() {\n"
               " Go([=] { Run(1); });\n}",
               "int main()", "void Run(int, int)"));
  EXPECT_FALSE(
      EndsTask("void Walk(Node* n) {\n Walk(n->left);\n c.Send(n->value);\n}\nint main() {\n"
               " Go([=] { Walk(root); });\n}",
               "int main()", "void Walk(Node*)"));
}

}  // namespace
}  // namespace stranded::detector
