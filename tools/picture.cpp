#include "tools/picture.h"

#include <cstring>
#include <fmt/core.h>
#include <png.h>
#include <vector>

#include "base/error.h"
#include "base/file.h"

namespace sinv {

std::uint32_t overlay_colour(int x, int y) {
  constexpr std::uint32_t kWhite = 0xFFFFFF;
  constexpr std::uint32_t kRed = 0xFF2020;
  constexpr std::uint32_t kGreen = 0x20FF20;
  if (y >= 32 && y < 62) return kRed;
  if (y >= 184 && y < 240) return kGreen;
  if (y >= 240 && x >= 16 && x < 134) return kGreen;
  return kWhite;
}

namespace {

void append_bytes(png_structp png, png_bytep bytes, png_size_t count) {
  auto* out = static_cast<std::vector<std::byte>*>(png_get_io_ptr(png));
  const auto* first = reinterpret_cast<const std::byte*>(bytes);
  out->insert(out->end(), first, first + count);
}

std::vector<std::uint8_t> pixels(const Ram& ram, int scale) {
  const auto width = static_cast<std::size_t>(kPictureWidth) * static_cast<std::size_t>(scale);
  const auto height = static_cast<std::size_t>(kPictureHeight) * static_cast<std::size_t>(scale);
  std::vector<std::uint8_t> rgb(width * height * 3);
  std::size_t at = 0;
  for (int y = 0; y < kPictureHeight * scale; ++y) {
    for (int x = 0; x < kPictureWidth * scale; ++x) {
      const std::uint32_t colour =
          lit(ram, x / scale, y / scale) ? overlay_colour(x / scale, y / scale) : std::uint32_t{0};
      rgb[at++] = static_cast<std::uint8_t>(colour >> 16);
      rgb[at++] = static_cast<std::uint8_t>(colour >> 8);
      rgb[at++] = static_cast<std::uint8_t>(colour);
    }
  }
  return rgb;
}

// Rows of `channels` bytes a pixel: 1 grey, 3 red, green, blue.
void write_rows(const std::filesystem::path& path, int width, int height, int channels,
                std::span<const std::uint8_t> rows) {
  std::vector<std::byte> file;
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, nullptr);
  SINV_CHECK(png != nullptr, "write_png: libpng has no memory");
  png_infop info = png_create_info_struct(png);
  png_set_write_fn(png, &file, &append_bytes, nullptr);
  const auto row = static_cast<std::size_t>(width) * static_cast<std::size_t>(channels);
  png_set_IHDR(png, info, static_cast<png_uint_32>(width), static_cast<png_uint_32>(height), 8,
               channels == 1 ? PNG_COLOR_TYPE_GRAY : PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE,
               PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  png_write_info(png, info);
  for (std::size_t y = 0; y < static_cast<std::size_t>(height); ++y) png_write_row(png, rows.data() + y * row);
  png_write_end(png, nullptr);
  png_destroy_write_struct(&png, &info);
  write_file(path, file);
}

}  // namespace

void write_png(const std::filesystem::path& path, const Ram& ram, int scale) {
  SINV_CHECK(scale >= 1 && scale <= 8, "write_png: scale is ", scale);
  write_rows(path, kPictureWidth * scale, kPictureHeight * scale, 3, pixels(ram, scale));
}

void write_grey_png(const std::filesystem::path& path, int width, int height, std::span<const std::uint8_t> pixels) {
  SINV_CHECK(
      width >= 1 && height >= 1 && pixels.size() == static_cast<std::size_t>(width) * static_cast<std::size_t>(height),
      "write_grey_png: ", width, " x ", height, " of ", pixels.size(), " pixels");
  write_rows(path, width, height, 1, pixels);
}

namespace {

// Dot (x, y) of a Braille letter, x 0..1, y 0..3. Source: Unicode block U+2800.
constexpr std::uint8_t kDot[4][2] = {{0x01, 0x08}, {0x02, 0x10}, {0x04, 0x20}, {0x40, 0x80}};

void append_letter(std::string& out, std::uint8_t dots) {
  const unsigned code = 0x2800U + dots;
  out += static_cast<char>(0xE0 | (code >> 12));
  out += static_cast<char>(0x80 | ((code >> 6) & 0x3F));
  out += static_cast<char>(0x80 | (code & 0x3F));
}

bool any_lit(const Ram& ram, int x, int y, int size) {
  for (int dy = 0; dy < size; ++dy) {
    for (int dx = 0; dx < size; ++dx) {
      if (lit(ram, x + dx, y + dy)) return true;
    }
  }
  return false;
}

}  // namespace

std::string braille_picture(const Ram& ram, bool half, bool colours) {
  const int size = half ? 2 : 1;  // pixels behind one dot
  std::string out;
  for (int y = 0; y < kPictureHeight; y += 4 * size) {
    std::uint32_t colour_now = 1;  // none of the overlay's
    for (int x = 0; x < kPictureWidth; x += 2 * size) {
      std::uint8_t dots = 0;
      for (int dy = 0; dy < 4; ++dy) {
        for (int dx = 0; dx < 2; ++dx) {
          if (any_lit(ram, x + dx * size, y + dy * size, size)) dots |= kDot[dy][dx];
        }
      }
      const std::uint32_t colour = overlay_colour(x, y);
      if (colours && colour != colour_now) {
        out += fmt::format("\x1b[38;2;{};{};{}m", colour >> 16, (colour >> 8) & 0xFF, colour & 0xFF);
        colour_now = colour;
      }
      append_letter(out, dots);
    }
    out += colours ? "\x1b[0m\x1b[K\n" : "\n";
  }
  return out;
}

std::string braille_grey(int width, int height, std::span<const std::uint8_t> pixels) {
  const auto lit_at = [&](int x, int y) {
    if (x >= width || y >= height) return false;
    return pixels[static_cast<std::size_t>(y) * static_cast<std::size_t>(width) + static_cast<std::size_t>(x)] != 0;
  };
  std::string out;
  for (int y = 0; y < height; y += 4) {
    for (int x = 0; x < width; x += 2) {
      std::uint8_t dots = 0;
      for (int dy = 0; dy < 4; ++dy) {
        for (int dx = 0; dx < 2; ++dx) {
          if (lit_at(x + dx, y + dy)) dots |= kDot[dy][dx];
        }
      }
      append_letter(out, dots);
    }
    out += '\n';
  }
  return out;
}

}  // namespace sinv
