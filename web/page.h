#pragma once

#include <span>
#include <string_view>

namespace sinv {

/// A file of the dashboard's page, bundled at build time (web/build_page.cmake).
struct PageFile {
  const char* path;  // "/", "/app.js"
  const char* type;
  std::string_view bytes;
};

/// Empty when the page could not be built: no npm, or its packages were out of reach.
std::span<const PageFile> page_files();

}  // namespace sinv
