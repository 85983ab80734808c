// The checks that a GPU must pass, on a fake device: they find no difference where there is none, and find one.
#include "tests/gpu/checks.h"

#include <cstdlib>
#include <gtest/gtest.h>

#include "kernels/device_module.h"
#include "tests/gpu/bandwidth.h"
#include "tests/gpu/replay_checks.h"
#include "tests/support/fake_device.h"

namespace sinv {
namespace {

TEST(DeviceChecks, PassOnTheFakeDevice) {
  const FakeDevice device;
  for (const Check& check : device_checks()) {
    const CheckResult result = run_check(check);
    EXPECT_TRUE(result.passed()) << check.name << ": " << result.problem;
    EXPECT_EQ(result.worst, 0) << check.name << ": its numbers are the CPU's";
  }
}

const Check& check_named(const std::string& name) {
  for (const Check& check : device_checks()) {
    if (check.name == name) return check;
  }
  throw Error("no check " + name);
}

TEST(DeviceChecks, ThoseOfReplayPassOnTheFakeDevice) {
  const FakeDevice device;
  for (const Check& check : replay_checks()) {
    const CheckResult result = run_check(check);
    EXPECT_TRUE(result.passed()) << check.name << ": " << result.problem;
    EXPECT_EQ(result.worst, 0) << check.name << ": its numbers are the CPU's";
  }
}

TEST(DeviceChecks, FindAnOperationThatIsWrong) {
  const FakeDevice device(FakeDevice::Order::kSoon);
  DeviceModule broken = device_module();
  broken.ops.linear_forward = [](const Stream& s, ConstView x, const PackedWeight& w, ConstView, Activation activation,
                                 View y) {
    FakeDevice::table().linear_forward(s, x, w, {}, activation, y);  // without the bias
  };
  const DeviceModule* before = use_device_module(&broken);
  const CheckResult linear = run_check(check_named("linear layers"));
  const CheckResult updates = run_check(check_named("100 updates, features"));
  use_device_module(before);
  EXPECT_FALSE(linear.passed());
  EXPECT_NE(linear.problem.find("linear 1 128 256 activation 0, output 0: element "), std::string::npos)
      << linear.problem;
  EXPECT_FALSE(updates.passed());
}

TEST(DeviceChecks, ALostDeviceIsTheProblemOfItsCheck) {
  FakeDevice device;
  device.lose_at(3);
  EXPECT_EQ(run_check(device_checks()[0]).problem,
            "device cuda:0 was lost (fake); what was saved last is intact: go on with --resume");
}

// Their calls are right; the figures mean nothing here.
TEST(DeviceChecks, TheBandwidthsAreMeasuredWithCallsThatTheOperationsAccept) {
  const FakeDevice device;
  const std::vector<Bandwidth> lines = measure_bandwidths(std::size_t{1} << 16U);
  EXPECT_EQ(lines[0].name, "copy");
  EXPECT_GT(lines.size(), 25U);
}

TEST(DeviceChecks, PassOnThisMachinesGpu) {
  const char* require = std::getenv("SINV_REQUIRE_GPU");
  try {
    load_device_module(SINV_CUDA_MODULE_FILE);
    choose_device("cuda");
  } catch (const UserError& error) {
    if (require != nullptr && std::string(require) == "1") FAIL() << error.what();
    GTEST_SKIP() << error.what();
  }
  for (const Check& check : device_checks()) {
    const CheckResult result = run_check(check);
    EXPECT_TRUE(result.passed()) << check.name << ": " << result.problem;
  }
  choose_device("cpu");
}

}  // namespace
}  // namespace sinv
