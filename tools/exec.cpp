// exec PROGRAM.COM: a CP/M program on the bare 8080, then the exact totals.
#include <iostream>
#include <string>

#include "base/file.h"
#include "cabinet/cpm.h"
#include "tools/command_line.h"

namespace sinv {

int exec_command(Words words) {
  CommandLine line(
      "exec",
      "Runs a CP/M .COM program (a CPU test, say) on a bare 8080 with 64 KiB of RAM, prints what it prints "
      "and then how many instructions and cycles it took, by the data sheet's cycle table.");
  std::string path;
  line.app.add_option("program", path, "the .COM file")->required();
  if (!line.parse(words)) return 0;
  const CpmTotals totals = run_cpm_program(read_file(path), std::cout);
  std::cout << "\n" << totals.instructions << " instructions, " << totals.cycles << " cycles\n";
  return 0;
}

}  // namespace sinv
