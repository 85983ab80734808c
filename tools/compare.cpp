// compare: finished runs beside each other, as a table and as curves.
#include <filesystem>
#include <fmt/core.h>
#include <string>
#include <vector>

#include "base/file.h"
#include "tools/command_line.h"
#include "tools/report/comparison.h"

namespace sinv {

int compare_command(Words words) {
  CommandLine line("compare", "Runs beside each other. Runs whose settings differ in the seed alone form one row.");
  std::vector<std::string> folders;
  std::string figure;
  std::string markdown;
  line.app.add_option("RUN", folders, "run folders")->required();
  line.app.add_option("--figure", figure, "all curves in one figure: a file that ends in .png or .svg");
  line.app.add_option("--markdown", markdown, "write the table as Markdown to this file too");
  if (!line.parse(words)) return 0;
  std::vector<RunHistory> runs;
  runs.reserve(folders.size());
  for (const std::string& folder : folders) runs.push_back(read_run(folder));
  const Comparison comparison = compare_runs(runs);
  fmt::print("{}", comparison_table(comparison, false));
  if (!markdown.empty()) write_file(markdown, std::string_view(comparison_table(comparison, true)));
  if (!figure.empty()) write_figure(figure, comparison_figure(comparison));
  return 0;
}

}  // namespace sinv
