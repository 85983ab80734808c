// The pictures in plain C++: the same steps as pixels_avx2.cpp, as loops over 32 lanes that compilers vectorise.
#include <array>
#include <cstring>

#include "game/pixels_loops.h"

namespace sinv {
namespace {

using Lane = std::array<std::uint8_t, kLanes>;
using Planes = std::array<Lane, kColumnBytes>;

// Planes of the columns first, first + stride, ..., the last of them `last`; lanes behind it repeat it. With `paired`
// each column is merged with the one to its right.
Planes planes_of(const Ram& a, const Ram& b, int first, int stride, int last, bool paired) {
  Planes planes;
  for (int lane = 0; lane < kLanes; ++lane) {
    const int column = first + stride * lane < last ? first + stride * lane : last;
    const std::size_t at = kPictureAt + static_cast<std::size_t>(column * kColumnBytes);
    std::array<std::uint8_t, kColumnBytes> bytes;
    for (std::size_t p = 0; p < kColumnBytes; ++p) {
      bytes[p] = static_cast<std::uint8_t>(a[at + p] | b[at + p]);
      if (paired) bytes[p] |= static_cast<std::uint8_t>(a[at + kColumnBytes + p] | b[at + kColumnBytes + p]);
    }
    for (std::size_t p = 0; p < kColumnBytes; ++p) planes[p][static_cast<std::size_t>(lane)] = bytes[p];
  }
  return planes;
}

// Lit weight (0..64) of pixel y of the word whose lowest plane is `word`, for 32 columns.
Lane lit_rows(const Lane* word, int y) {
  const Lane& here = word[3 * y / 8];
  const int shift = 3 * y % 8;
  const Lane& above = word[shift > 4 ? 3 * y / 8 + 1 : 3 * y / 8];
  Lane lit;
  for (std::size_t i = 0; i < kLanes; ++i) {
    const int bits = (here[i] | above[i] << 8) >> shift;
    const int weight = (-(bits & 1) & (kAreaRows - y)) + (-(bits >> 1 & 1) & kAreaRows) +
                       (-(bits >> 2 & 1) & kAreaRows) + (-(bits >> 3 & 1) & (y + 1));
    lit[i] = static_cast<std::uint8_t>(weight);
  }
  return lit;
}

// floor((255 S + 256) / 512) without a product, for 0 <= S <= 512.
constexpr std::uint8_t shade(int s) { return static_cast<std::uint8_t>((s - (s > 256 ? 1 : 0)) >> 1); }

void deepmind(const Ram& a, const Ram& b, std::uint8_t* out) {
  std::array<Planes, 8> classes;  // columns with the same place in their group of 8: lane = group
  for (int k = 0; k < 8; ++k) {
    classes[static_cast<std::size_t>(k)] = planes_of(a, b, k, 8, 8 * (kAreaGroups - 1) + k, false);
  }
  for (int row = 0; row < kAreaSize; ++row) {
    const int from_below = kAreaSize - 1 - row;
    const std::size_t word = 8 * static_cast<std::size_t>(from_below / kAreaRows);
    std::array<Lane, 8> lit;
    for (std::size_t k = 0; k < 8; ++k) lit[k] = lit_rows(classes[k].data() + word, from_below % kAreaRows);
    std::uint8_t* to = out + row * kAreaSize;
    for (std::size_t g = 0; g < kAreaGroups; ++g) {
      *to++ = shade(3 * (lit[0][g] + lit[1][g]) + 2 * lit[2][g]);
      *to++ = shade(lit[2][g] + 3 * (lit[3][g] + lit[4][g]) + lit[5][g]);
      *to++ = shade(2 * lit[5][g] + 3 * (lit[6][g] + lit[7][g]));
    }
  }
}

// Calls row(y, block, plane, bits) for every row of the picture, block by block of 32 columns: a pixel is lit where any
// of `bits` is set in its lane of the plane.
template <class Row>
void full_rows(const Ram& a, const Ram& b, Row&& row) {
  for (int block = 0; block < kFullWidth / kLanes; ++block) {
    const int first = kCropLeft + kLanes * block;
    const Planes planes = planes_of(a, b, first, 1, first + kLanes - 1, false);
    for (int y = 0; y < 8 * kFullBytes; ++y) {
      row(y, block, planes[static_cast<std::size_t>(kTopByte - y / 8)], 0x80 >> y % 8);
    }
  }
}
template <class Row>
void play_field_rows(const Ram& a, const Ram& b, Row&& row) {
  for (int block = 0; block < kPlayFieldWidth / kLanes; ++block) {
    const int first = kCropLeft + 2 * kLanes * block;
    const Planes planes = planes_of(a, b, first, 2, first + 2 * (kLanes - 1), true);
    for (int y = 0; y < 4 * kPlayFieldBytes; ++y) {
      row(y, block, planes[static_cast<std::size_t>(kTopByte - y / 4)], 0xC0 >> 2 * (y % 4));
    }
  }
}

// Where full_rows() and play_field_rows() put their rows.
auto bytes_into(std::uint8_t* out, int width) {
  return [=](int y, int block, const Lane& plane, int bits) {
    std::uint8_t* to = out + y * width + kLanes * block;
    for (std::size_t i = 0; i < kLanes; ++i) to[i] = (plane[i] & bits) != 0 ? 255 : 0;
  };
}
auto bits_into(std::uint8_t* out, int width) {
  return [=](int y, int block, const Lane& plane, int bits) {
    std::uint32_t word = 0;
    for (std::size_t i = 0; i < kLanes; ++i) word |= ((plane[i] & bits) != 0 ? 1U : 0U) << i;
    std::memcpy(out + (y * width + kLanes * block) / 8, &word, sizeof word);
  };
}

void play_field(const Ram& a, const Ram& b, std::uint8_t* out) {
  play_field_rows(a, b, bytes_into(out, kPlayFieldWidth));
}
void full(const Ram& a, const Ram& b, std::uint8_t* out) { full_rows(a, b, bytes_into(out, kFullWidth)); }
void play_field_packed(const Ram& a, const Ram& b, std::uint8_t* out) {
  play_field_rows(a, b, bits_into(out, kPlayFieldWidth));
}
void full_packed(const Ram& a, const Ram& b, std::uint8_t* out) { full_rows(a, b, bits_into(out, kFullWidth)); }

void unpack(const std::uint8_t* packed, std::size_t bytes, std::uint8_t* out) {
  for (std::size_t i = 0; i < bytes; ++i) {
    // Bit k of the byte into byte k, at bit k; then any bit of a byte fills it.
    const std::uint64_t spread = packed[i] * 0x0101010101010101ULL & 0x8040201008040201ULL;
    const std::uint64_t ones = (spread + 0x7F7F7F7F7F7F7F7FULL) >> 7 & 0x0101010101010101ULL;
    const std::uint64_t lit = ones * 255;
    std::memcpy(out + 8 * i, &lit, sizeof lit);
  }
}

}  // namespace

const PixelLoops kPixelLoopsPortable{deepmind, play_field, full, play_field_packed, full_packed, unpack};

}  // namespace sinv
