#include "cabinet/translator.h"

#include <cstring>
#include <vector>

#include "cabinet/block_translator.h"

#if defined(__x86_64__) && defined(__linux__)
#include <cpuid.h>
#include <sys/mman.h>
#endif

namespace sinv {

#if defined(__x86_64__) && defined(__linux__)

namespace {

/// See TranslatedContext.
const std::uint16_t* daa_table() {
  static const std::vector<std::uint16_t> kTable = [] {
    std::vector<std::uint16_t> table(0x1200);
    for (std::uint32_t ax = 0; ax < table.size(); ++ax) {
      const std::uint32_t a = ax & 0xFF;
      const std::uint32_t low = (a & 0xF) > 9 || (ax & (kAuxFlag << 8)) != 0 ? 6 : 0;
      const std::uint32_t carry = a > 0x99 || (ax & (kCarryFlag << 8)) != 0 ? 1 : 0;
      const std::uint32_t sum = (a + low + carry * 0x60) & 0xFF;
      table[ax] = static_cast<std::uint16_t>(sum | std::uint32_t{pack_flags({sign_extend(sum), carry, a})} << 8);
    }
    return table;
  }();
  return kTable.data();
}

}  // namespace

std::unique_ptr<const Translation> Translation::make(const std::uint8_t* rom) {
  unsigned a = 0;
  unsigned b = 0;
  unsigned c = 0;
  unsigned d = 0;
  const bool has_lahf = __get_cpuid(0x80000001U, &a, &b, &c, &d) != 0 && (c & 1U) != 0;
  if (!has_lahf) return nullptr;
  const TranslatedRom translated = BlockTranslator(rom).translate();
  const std::size_t bytes = translated.code.size();
  void* memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return nullptr;
  std::memcpy(memory, translated.code.data(), bytes);
  if (::mprotect(memory, bytes, PROT_READ | PROT_EXEC) != 0) {
    ::munmap(memory, bytes);
    return nullptr;
  }
  std::unique_ptr<Translation> translation(new Translation);
  translation->memory_ = memory;
  translation->bytes_ = bytes;
  translation->rom_ = rom;
  for (std::size_t i = 0; i < kRomBytes; ++i) {
    translation->entries_[i] = static_cast<const std::uint8_t*>(memory) + translated.start[i];
  }
  return translation;
}

Translation::~Translation() {
  if (memory_ != nullptr) ::munmap(memory_, bytes_);
}

void Translation::run(Board& board, Slice& slice) const {
  if (board.cpu.pc >= kRomBytes || slice.left < kBlockCycles) return;
  static constexpr std::array<std::uint8_t, 0x2000> kEmpty{};
  std::uint8_t* ram = ram_of(board);
  TranslatedContext context;
  for (std::size_t i = 0; i < context.page.size(); ++i) {
    const std::uint8_t* base = (i & 1) != 0 ? ram : (i & 2) != 0 ? kEmpty.data() : rom_;
    // As numbers: the moved pointer itself points at nothing.
    context.page[i] = reinterpret_cast<const std::uint8_t*>(reinterpret_cast<std::uintptr_t>(base) - i * 0x2000);
  }
  context.entries = entries_.data();
  context.daa = daa_table();
  for (std::uint32_t i = 0; i < 8; ++i) context.shift_multiplier[i] = 1U << i;
  for (std::uint32_t i = 0; i < 3; ++i) context.in_port[i] = read_port(board, i);

  using Entry = std::int64_t (*)(std::uint8_t*, const TranslatedContext*, std::int64_t, const void*);
  const auto entry = reinterpret_cast<Entry>(memory_);
  const std::int64_t cycles = slice.left < kMaxRunCycles ? slice.left : kMaxRunCycles;
  const std::int64_t budget = entry(ram, &context, cycles << kBudgetShift, entries_[board.cpu.pc]);
  slice.left -= cycles - (budget >> kBudgetShift);
  slice.instructions += static_cast<std::uint64_t>(budget & (kMaxRunCycles - 1));
}

#else

std::unique_ptr<const Translation> Translation::make(const std::uint8_t*) { return nullptr; }
Translation::~Translation() = default;
void Translation::run(Board&, Slice&) const {}

#endif

}  // namespace sinv
