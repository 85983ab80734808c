// Replay memory of the CUDA backend, against the CPU's.
#include <bit>
#include <cstring>
#include <limits>

#include "tests/kernels/cuda/two_sides.h"

namespace sinv {
namespace {

constexpr Bound kExact{};
constexpr Bound kMass{1e-6, 0};  // a power and some roundings of sums, compared as floats

template <class T>
std::vector<std::uint32_t> words_of(const std::vector<T>& values) {
  static_assert(sizeof(T) % sizeof(std::uint32_t) == 0);
  std::vector<std::uint32_t> words(values.size() * sizeof(T) / sizeof(std::uint32_t));
  if (!words.empty()) std::memcpy(words.data(), values.data(), words.size() * sizeof(std::uint32_t));
  return words;
}

// Rings with windows of every length and ages of every kind; a quarter of the slots cannot be drawn.
struct Memory {
  std::uint32_t ring_slots;
  std::uint32_t slot_count;
  std::uint32_t leaves;
  std::uint32_t history;
  std::vector<ReplaySlot> slots;
  std::vector<double> nodes;
  ReplayState state;

  Memory(std::uint32_t rings, std::uint32_t slots_of_one, std::uint32_t history_rows = 1)
      : ring_slots(slots_of_one),
        slot_count(rings * slots_of_one),
        leaves(std::bit_ceil(std::max(2U, slot_count))),
        history(history_rows),
        slots(slot_count),
        nodes(2 * std::size_t{leaves}) {
    Random random(5, slot_count);
    for (std::uint32_t slot = 0; slot < slot_count; ++slot) {
      slots[slot] = {random.uniform(), random.uniform(), static_cast<std::uint8_t>(random.below(6)),
                     static_cast<std::uint8_t>(random.below(std::min(ring_slots, 5U))),
                     static_cast<std::uint16_t>(random.below(history))};
      if (random.below(4) != 0) nodes[leaves + slot] = random.uniform_double() + 0.01;
    }
    nodes[leaves + slot_count / 2] = 1;
    for (std::uint32_t node = leaves - 1; node > 0; --node) {
      nodes[node] = nodes[2 * std::size_t{node}] + nodes[2 * std::size_t{node} + 1];
    }
    state.draws = Random(9, 4);
    state.beta = 0.6;
    state.max_priority = 1.5;
  }

  // On a side; what it becomes there is compared.
  template <class Side>
  ReplayRing on(Side& side) const {
    ReplayRing ring;
    ring.state = side.state(state);
    ring.slots = reinterpret_cast<ReplaySlot*>(side.array("slots", kExact, words_of(slots)).data());
    ring.nodes = side.array("nodes", kMass, nodes).data();
    ring.leaves = leaves;
    ring.slot_count = slot_count;
    ring.ring_slots = ring_slots;
    ring.history = history;
    return ring;
  }
};

// What the states became on all sides, the CPU's first: equal, largest priority and all.
void expect_equal(const std::string& where, const std::vector<ReplayState>& states) {
  const ReplayState& wanted = states[0];
  for (const ReplayState& state : states) {
    SINV_CHECK(state.draws.counter == wanted.draws.counter && state.draws.spares == wanted.draws.spares &&
                   std::equal(state.draws.spare, state.draws.spare + 4, wanted.draws.spare),
               where, ": random numbers stand at ", state.draws.counter, " with ", state.draws.spares,
               " spares, the CPU's at ", wanted.draws.counter, " with ", wanted.draws.spares);
    SINV_CHECK(state.beta == wanted.beta && state.max_priority == wanted.max_priority, where, ": beta is ", state.beta,
               ", the largest priority ", state.max_priority, ", the CPU's are ", wanted.beta, " and ",
               wanted.max_priority);
  }
}

CheckResult draws_what_the_cpu_draws() {
  CheckResult result;
  const std::pair<std::uint32_t, std::uint32_t> rings[] = {{1, 1}, {1, 2}, {3, 7}, {4, 100}, {5, 601}};
  for (const auto& [count, slots] : rings) {
    for (const std::size_t batch : {0U, 1U, 3U, 32U, 33U, 257U, 1025U, 2100U}) {
      if (batch > 1000 && count != 3) continue;  // past a block: once
      for (const int kind : {0, 1, 2}) {
        const std::string where = text(count, " rings of ", slots, ", batch ", batch, ", kind ", kind);
        Memory memory(count, slots);
        memory.state.prioritised = kind == 1 ? 0 : 1;
        if (kind == 2) memory.state.beta = 0;
        std::vector<ReplayState> states;
        compare(result, where, [&](auto& side) {
          auto ops = typename std::decay_t<decltype(side)>::Operations{};
          const ReplayRing ring = memory.on(side);
          for (int draw = 0; draw < 2; ++draw) {  // the second one begins inside a block of numbers
            const auto drawn = side.array(text("drawn ", draw), kExact, std::vector<std::uint32_t>(batch, 7));
            const View weight = side.out(text("weight ", draw), Shape{static_cast<std::int64_t>(batch)}, kMass);
            ops.replay_sample(side.stream(), ring, drawn, weight.flat());
          }
          states.push_back(side.read(ring.state));
        });
        if (!result.passed()) return result;
        expect_equal(where, states);
        Random after = memory.state.draws;
        for (std::size_t i = 0; i < 2 * batch; ++i) static_cast<void>(after.uniform_double());
        SINV_CHECK(states[0].draws.counter == after.counter && states[0].draws.spares == after.spares, where,
                   ": the CPU's random numbers stand at ", states[0].draws.counter, ", wanted ", after.counter);
      }
    }
  }
  return result;
}

CheckResult takes_new_priorities() {
  CheckResult result;
  for (const std::size_t batch : {0U, 1U, 32U, 257U, 1500U}) {
    for (const std::uint32_t prioritised : {1U, 0U}) {
      const std::string where = text("batch ", batch, ", prioritised ", prioritised);
      Memory memory(3, 37);
      memory.state.prioritised = prioritised;
      std::vector<std::uint32_t> slots(batch);  // rising, with repeats
      for (std::size_t i = 0; i < batch; ++i) slots[i] = static_cast<std::uint32_t>(i * 111 / batch);
      std::vector<float> errors = draw(batch, 8, -3, 3);
      if (batch > 20) {
        errors[5] = std::numeric_limits<float>::quiet_NaN();
        errors[batch - 1] = std::numeric_limits<float>::infinity();
      }
      std::vector<ReplayState> states;
      compare(result, where, [&](auto& side) {
        auto ops = typename std::decay_t<decltype(side)>::Operations{};
        const ReplayRing ring = memory.on(side);
        ops.replay_prioritise(side.stream(), ring, side.list(slots), side.list(errors));
        states.push_back(side.read(ring.state));
      });
      if (!result.passed()) return result;
      expect_equal(where, states);
      SINV_CHECK(batch <= 20 || (states[0].max_priority > 2) == (prioritised != 0), where, ": the largest priority is ",
                 states[0].max_priority);
    }
  }
  return result;
}

std::vector<ReplayChange> some_changes(const Memory& memory, std::size_t count) {
  Random random(3, count);
  std::vector<ReplayChange> changes(count);
  for (std::size_t i = 0; i < count; ++i) {
    ReplayChange& change = changes[i];
    change.slot = static_cast<std::uint32_t>(i * 7 % memory.slot_count);  // with repeats, in no order
    Random value(4, change.slot);                                         // a slot's entries are equal
    change.what = value.below(4);
    change.value = {value.uniform(), value.uniform(), 3, 2, 0};
  }
  return changes;
}

CheckResult takes_changes_in() {
  CheckResult result;
  for (const std::size_t count : {0U, 1U, 31U, 100U, 1300U}) {
    for (const std::size_t values : {16U, 5U}) {  // units of 16 bytes and of one
      for (const bool resident : {false, true}) {
        const std::string where = text(count, " changes, rows of ", values, ", resident ", resident);
        const Memory memory(3, 37);
        const std::vector<ReplayChange> changes = some_changes(memory, count);
        std::vector<std::uint8_t> home(memory.slot_count * values);
        for (std::size_t i = 0; i < home.size(); ++i) home[i] = static_cast<std::uint8_t>(i * 31);
        std::vector<ReplayState> states;
        compare(result, where, [&](auto& side) {
          auto ops = typename std::decay_t<decltype(side)>::Operations{};
          ReplayRing ring = memory.on(side);
          ring.form = RowForm::kByte;
          ring.row_values = static_cast<std::uint32_t>(values);
          ring.home = reinterpret_cast<const std::byte*>(side.list(home).data());
          const auto there = side.array("rows", kExact, std::vector<std::uint8_t>(home.size(), 9));
          if (resident) ring.resident = reinterpret_cast<std::byte*>(there.data());
          const std::vector<std::uint32_t> words = words_of(changes);
          const auto* list = reinterpret_cast<const ReplayChange*>(side.list(words).data());
          ops.replay_change(side.stream(), ring, 0.75, {list, count});
          states.push_back(side.read(ring.state));
        });
        if (!result.passed()) return result;
        expect_equal(where, states);
        SINV_CHECK(states[0].beta == 0.75, where, ": beta is ", states[0].beta);
      }
    }
  }
  return result;
}

template <class Stored, class Value>
void compare_gather(CheckResult& result, RowForm form, std::size_t values, std::uint32_t history) {
  for (const std::size_t batch : {0U, 1U, 5U, 40U}) {
    const std::string where =
        text("form ", static_cast<int>(form), ", rows of ", values, ", history ", history, ", batch ", batch);
    const Memory memory(3, 13, history);
    ReplayRing shape;
    shape.form = form;
    shape.row_values = static_cast<std::uint32_t>(values);
    std::vector<Stored> rows(memory.slot_count * shape.row_bytes() / sizeof(Stored));
    Random random(2, values);
    for (Stored& value : rows) value = static_cast<Stored>(random.below(200)) - static_cast<Stored>(60);
    std::vector<std::uint32_t> slots(batch);
    for (std::uint32_t& slot : slots) slot = random.below(memory.slot_count);
    compare(result, where, [&](auto& side) {
      auto ops = typename std::decay_t<decltype(side)>::Operations{};
      ReplayRing ring = memory.on(side);
      ring.form = form;
      ring.row_values = shape.row_values;
      ring.rows = reinterpret_cast<const std::byte*>(side.list(rows).data());
      const std::vector<Value> start(batch * history * values, Value{1});
      const auto tm1 = side.array("tm1", kExact, start);
      const auto t = side.array("t", kExact, start);
      const Shape of_batch{static_cast<std::int64_t>(batch)};
      ops.replay_gather(side.stream(), ring, side.list(slots),
                        {std::as_writable_bytes(tm1), std::as_writable_bytes(t),
                         side.array("action", kExact, std::vector<std::int32_t>(batch, 9)),
                         side.out("return", of_batch, kExact).flat(), side.out("discount", of_batch, kExact).flat()});
    });
  }
}

CheckResult gathers_rows_of_every_form() {
  CheckResult result;
  for (const std::uint32_t history : {1U, 3U, 4U}) {
    for (const std::size_t values : {1U, 4U, 6U, 128U, 150U}) {
      compare_gather<float, float>(result, RowForm::kFloat, values, history);
      compare_gather<std::int16_t, float>(result, RowForm::kFixed16, values, history);
      compare_gather<std::uint8_t, std::uint8_t>(result, RowForm::kByte, values, history);
    }
    for (const std::size_t values : {8U, 24U, 32U, 1296U, 4624U}) {
      compare_gather<std::uint8_t, std::uint8_t>(result, RowForm::kBit, values, history);
    }
  }
  return result;
}

}  // namespace

const std::vector<Check>& replay_cases() {
  static const std::vector<Check> all{
      {"CudaReplay.DrawsWhatTheCpuDraws", draws_what_the_cpu_draws},
      {"CudaReplay.TakesNewPriorities", takes_new_priorities},
      {"CudaReplay.TakesChangesIn", takes_changes_in},
      {"CudaReplay.GathersRowsOfEveryForm", gathers_rows_of_every_form},
  };
  return all;
}

}  // namespace sinv
