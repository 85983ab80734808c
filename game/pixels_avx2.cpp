// The pictures with AVX2. Functions carry the instruction set themselves, so that nothing else in this file, and no
// inline function of a header, is ever compiled for it.
#include "game/pixels_loops.h"

#if defined(__x86_64__)
#include <cstring>
#include <immintrin.h>
#include <utility>

#define SINV_AVX2 __attribute__((target("avx2")))
#define SINV_AVX2_INLINE __attribute__((target("avx2"), always_inline)) inline

namespace sinv {
namespace {

struct Planes {
  __m256i of[kColumnBytes];
};

SINV_AVX2_INLINE __m128i loaded(const std::uint8_t* from) {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
}
SINV_AVX2_INLINE void store(std::uint8_t* to, __m256i value) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), value);
}
SINV_AVX2_INLINE __m256i all(int value) { return _mm256_set1_epi8(static_cast<char>(value)); }

// Columns first, first + kStride, ... as planes: the lane of a column is its number; lanes from kCount on repeat the
// last one. kPaired merges each column with the one to its right.
template <int kStride, int kCount, bool kPaired>
SINV_AVX2_INLINE void planes_of(const Ram& a, const Ram& b, int first, Planes& planes) {
  const std::uint8_t* const pa = a.data() + kPictureAt + first * kColumnBytes;
  const std::uint8_t* const pb = b.data() + kPictureAt + first * kColumnBytes;
  for (int half = 0; half < 2; ++half) {
    const auto column = [&](int lane) __attribute__((target("avx2"), always_inline)) {
      const int at = kStride * kColumnBytes * (lane < kCount ? lane : kCount - 1) + 16 * half;
      __m128i bits = _mm_or_si128(loaded(pa + at), loaded(pb + at));
      if constexpr (kPaired) {
        const __m128i right = _mm_or_si128(loaded(pa + at + kColumnBytes), loaded(pb + at + kColumnBytes));
        bits = _mm_or_si128(bits, right);
      }
      return bits;
    };
    __m256i r[16];
#pragma GCC unroll 16
    for (int i = 0; i < 16; ++i) r[i] = _mm256_set_m128i(column(i + 16), column(i));
      // A round moves the number of a register's byte one bit towards the number of the register: after four rounds
      // register p holds byte p of all columns.
#pragma GCC unroll 4
    for (int round = 0; round < 4; ++round) {
      __m256i t[16];
#pragma GCC unroll 8
      for (int i = 0; i < 8; ++i) {
        t[2 * i] = _mm256_unpacklo_epi8(r[i], r[i + 8]);
        t[2 * i + 1] = _mm256_unpackhi_epi8(r[i], r[i + 8]);
      }
#pragma GCC unroll 16
      for (int i = 0; i < 16; ++i) r[i] = t[i];
    }
#pragma GCC unroll 16
    for (int i = 0; i < 16; ++i) planes.of[16 * half + i] = r[i];
  }
}

// Lit weight (0..64) of pixel kY of the word whose lowest plane is `word`, for 32 columns: 4 bits choose it from a
// table.
template <int kY>
SINV_AVX2_INLINE __m256i lit_rows(const __m256i* word) {
  constexpr int kShift = 3 * kY % 8;
  const auto weight = [](int bits) {
    return static_cast<char>((bits & 1) * (kAreaRows - kY) + (bits >> 1 & 1) * kAreaRows + (bits >> 2 & 1) * kAreaRows +
                             (bits >> 3) * (kY + 1));
  };
  const __m256i table = _mm256_broadcastsi128_si256(
      _mm_setr_epi8(weight(0), weight(1), weight(2), weight(3), weight(4), weight(5), weight(6), weight(7), weight(8),
                    weight(9), weight(10), weight(11), weight(12), weight(13), weight(14), weight(15)));
  const __m256i here = _mm256_srli_epi16(word[3 * kY / 8], kShift);
  __m256i bits;
  if constexpr (kShift <= 4) {
    bits = _mm256_and_si256(here, all(15));
  } else {
    constexpr int kLow = (1 << (8 - kShift)) - 1;
    const __m256i above = _mm256_slli_epi16(word[3 * kY / 8 + 1], 8 - kShift);
    bits = _mm256_or_si256(_mm256_and_si256(here, all(kLow)), _mm256_and_si256(above, all(15 - kLow)));
  }
  return _mm256_shuffle_epi8(table, bits);
}

// floor((255 S + 256) / 512) of S = 2 whole + p + q <= 512, per byte: (S + 1) / 2 rounded down, less 1 where S is odd
// or above 256. At S = 512 the sum wraps to 0, and back to 255.
SINV_AVX2_INLINE __m256i shade(__m256i whole, __m256i p, __m256i q) {
  const __m256i half = _mm256_avg_epu8(p, q);
  const __m256i above = _mm256_min_epu8(_mm256_subs_epu8(_mm256_adds_epu8(whole, half), all(128)), all(1));
  const __m256i odd = _mm256_and_si256(_mm256_xor_si256(p, q), all(1));
  return _mm256_sub_epi8(_mm256_add_epi8(whole, half), _mm256_or_si256(above, odd));
}

// Row numbers go down the screen: the last store of a row reaches 12 bytes into the next one, which is written later.
template <int kY>
SINV_AVX2_INLINE void area_row(const Planes* classes, int word, bool last, const __m256i* weave, std::uint8_t* out) {
  const auto lit = [&](int k) __attribute__((target("avx2"), always_inline)) {
    return lit_rows<kY>(classes[k].of + word);
  };
  const __m256i v2 = lit(2);
  const __m256i v5 = lit(5);
  const __m256i u0 = _mm256_add_epi8(lit(0), lit(1));
  const __m256i u1 = _mm256_add_epi8(lit(3), lit(4));
  const __m256i u2 = _mm256_add_epi8(lit(6), lit(7));
  const __m256i zero = _mm256_setzero_si256();
  const __m256i s0 = shade(_mm256_add_epi8(u0, v2), u0, zero);
  const __m256i s1 = shade(u1, u1, _mm256_add_epi8(v2, v5));
  const __m256i s2 = shade(_mm256_add_epi8(u2, v5), u2, zero);
  __m256i woven[3];
#pragma GCC unroll 3
  for (int i = 0; i < 3; ++i) {
    woven[i] = _mm256_or_si256(
        _mm256_or_si256(_mm256_shuffle_epi8(s0, weave[3 * i]), _mm256_shuffle_epi8(s1, weave[3 * i + 1])),
        _mm256_shuffle_epi8(s2, weave[3 * i + 2]));
  }
  const auto put = [&](int at, __m128i value) __attribute__((target("avx2"), always_inline)) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out + at), value);
  };
#pragma GCC unroll 3
  for (int i = 0; i < 3; ++i) put(16 * i, _mm256_castsi256_si128(woven[i]));
  put(48, _mm256_extracti128_si256(woven[0], 1));
  put(64, _mm256_extracti128_si256(woven[1], 1));
  const __m128i end = _mm256_extracti128_si256(woven[2], 1);
  if (last) {
    const int four = _mm_cvtsi128_si32(end);
    std::memcpy(out + 80, &four, sizeof four);
  } else {
    put(80, end);
  }
}

template <int... kDown>
SINV_AVX2_INLINE void area_rows(std::integer_sequence<int, kDown...>, const Planes* classes, int word, bool bottom,
                                const __m256i* weave, std::uint8_t* out) {
  (area_row<kAreaRows - 1 - kDown>(classes, 8 * word, bottom && kDown == kAreaRows - 1, weave, out + kDown * kAreaSize),
   ...);
}

SINV_AVX2 void deepmind(const Ram& a, const Ram& b, std::uint8_t* out) {
  Planes classes[8];  // columns with the same place in their group of 8: lane = group
  for (int k = 0; k < 8; ++k) planes_of<8, kAreaGroups, false>(a, b, k, classes[k]);
  // Lane g of result j goes to byte 3g + j of the row.
  __m256i weave[9];
  for (int part = 0; part < 3; ++part) {
    for (int j = 0; j < 3; ++j) {
      alignas(16) char from[16];
      for (int i = 0; i < 16; ++i) {
        const int byte = 16 * part + i;
        from[i] = static_cast<char>(byte % 3 == j ? byte / 3 : 0x80);
      }
      weave[3 * part + j] = _mm256_broadcastsi128_si256(_mm_load_si128(reinterpret_cast<const __m128i*>(from)));
    }
  }
  for (int word = 3; word >= 0; --word) {
    area_rows(std::make_integer_sequence<int, kAreaRows>{}, classes, word, word == 0, weave,
              out + (3 - word) * kAreaRows * kAreaSize);
  }
}

SINV_AVX2 void full(const Ram& a, const Ram& b, std::uint8_t* out) {
  Planes planes;
  for (int block = 0; block < kFullWidth / kLanes; ++block) {
    planes_of<1, kLanes, false>(a, b, kCropLeft + kLanes * block, planes);
    std::uint8_t* to = out + kLanes * block;
    for (int p = kTopByte; p > kTopByte - kFullBytes; --p) {
      const __m256i plane = planes.of[p];
#pragma GCC unroll 8
      for (int bit = 7; bit >= 0; --bit, to += kFullWidth) {
        store(to, _mm256_cmpeq_epi8(_mm256_and_si256(plane, all(1 << bit)), all(1 << bit)));
      }
    }
  }
}

SINV_AVX2 void full_packed(const Ram& a, const Ram& b, std::uint8_t* out) {
  Planes planes;
  for (int block = 0; block < kFullWidth / kLanes; ++block) {
    planes_of<1, kLanes, false>(a, b, kCropLeft + kLanes * block, planes);
    std::uint8_t* to = out + kLanes / 8 * block;
    for (int p = kTopByte; p > kTopByte - kFullBytes; --p) {
      __m256i plane = planes.of[p];
#pragma GCC unroll 8
      for (int bit = 7; bit >= 0; --bit, to += kFullWidth / 8) {
        const int row = _mm256_movemask_epi8(plane);  // bit 7 of each lane
        std::memcpy(to, &row, sizeof row);
        plane = _mm256_add_epi8(plane, plane);
      }
    }
  }
}

SINV_AVX2 void play_field(const Ram& a, const Ram& b, std::uint8_t* out) {
  Planes planes;
  for (int block = 0; block < kPlayFieldWidth / kLanes; ++block) {
    planes_of<2, kLanes, true>(a, b, kCropLeft + 2 * kLanes * block, planes);
    std::uint8_t* to = out + kLanes * block;
    for (int p = kTopByte; p > kTopByte - kPlayFieldBytes; --p) {
      // Even bits hold both rows of a pair; what comes into odd bits is not looked at.
      const __m256i plane = _mm256_or_si256(planes.of[p], _mm256_srli_epi16(planes.of[p], 1));
#pragma GCC unroll 4
      for (int bit = 6; bit >= 0; bit -= 2, to += kPlayFieldWidth) {
        store(to, _mm256_cmpeq_epi8(_mm256_and_si256(plane, all(1 << bit)), all(1 << bit)));
      }
    }
  }
}

SINV_AVX2 void play_field_packed(const Ram& a, const Ram& b, std::uint8_t* out) {
  Planes planes;
  for (int block = 0; block < kPlayFieldWidth / kLanes; ++block) {
    planes_of<2, kLanes, true>(a, b, kCropLeft + 2 * kLanes * block, planes);
    std::uint8_t* to = out + kLanes / 8 * block;
    for (int p = kTopByte; p > kTopByte - kPlayFieldBytes; --p) {
      // Odd bits hold both rows of a pair; what comes into even bits is not looked at.
      __m256i plane = _mm256_or_si256(planes.of[p], _mm256_add_epi8(planes.of[p], planes.of[p]));
#pragma GCC unroll 4
      for (int bit = 7; bit >= 0; bit -= 2, to += kPlayFieldWidth / 8) {
        const int row = _mm256_movemask_epi8(plane);
        std::memcpy(to, &row, sizeof row);
        plane = _mm256_slli_epi16(plane, 2);
      }
    }
  }
}

SINV_AVX2 void unpack(const std::uint8_t* packed, std::size_t bytes, std::uint8_t* out) {
  const __m256i spread =
      _mm256_setr_epi8(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3);
  const __m256i bit = _mm256_set1_epi64x(static_cast<long long>(0x8040201008040201ULL));
  std::size_t i = 0;
  for (; i + 4 <= bytes; i += 4) {
    int four;
    std::memcpy(&four, packed + i, sizeof four);
    const __m256i lanes = _mm256_shuffle_epi8(_mm256_set1_epi32(four), spread);
    store(out + 8 * i, _mm256_cmpeq_epi8(_mm256_and_si256(lanes, bit), bit));
  }
  if (i < bytes) kPixelLoopsPortable.unpack(packed + i, bytes - i, out + 8 * i);
}

}  // namespace

const PixelLoops kPixelLoopsAvx2{deepmind, play_field, full, play_field_packed, full_packed, unpack};

}  // namespace sinv
#endif
