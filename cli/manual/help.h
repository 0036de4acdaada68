// Help that fits the terminal, with examples of each command, and errors that say what to do.
#ifndef STRANDED_CLI_MANUAL_HELP_H_
#define STRANDED_CLI_MANUAL_HELP_H_

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace stranded::cli {

// CLI11's help, with descriptions wrapped to `width` columns.
class HelpFormatter : public CLI::Formatter {
 public:
  explicit HelpFormatter(std::size_t width) : width_(width) {}
  std::string make_option(const CLI::Option* option, bool is_positional) const override;
  std::string make_subcommand(const CLI::App* command) const override;
  std::string make_option_usage(const CLI::Option* option) const override;
  std::string make_footer(const CLI::App* app) const override;
  std::string make_help(const CLI::App* app, std::string name,
                        CLI::AppFormatMode mode) const override;

 private:
  std::string Row(const std::string& name, const std::string& text) const;
  std::size_t width_;
};

struct Example {
  const char* command;
  const char* does;
};
// Stand below the help of a command and in the man page. `more` comes before them.
void SetExamples(CLI::App& app, const std::vector<Example>& examples, const std::string& more = "");

// One sentence on what is wrong and how it may have been meant, and where to read on.
std::string UsageError(const CLI::App& app, const CLI::ParseError& error);
std::string NoSuchCommand(const CLI::App& app, const std::string& given);

// Breaks at spaces; the lines after the first begin with `indent` spaces.
std::string Wrap(const std::string& text, std::size_t width, std::size_t indent);

}  // namespace stranded::cli

#endif  // STRANDED_CLI_MANUAL_HELP_H_
