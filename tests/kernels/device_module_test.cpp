// The CUDA module as a machine without a GPU meets it: what cannot be used is one sentence.
#include "kernels/device_module.h"

#include <cstdlib>
#include <functional>
#include <gtest/gtest.h>
#include <string>

#include "base/file.h"
#include "kernels/pick.h"
#include "tests/support/folder.h"

namespace sinv {
namespace {

// No module is loaded at the start of each test, and SINV_CUDA_MODULE names the one to load.
class DeviceModuleTest : public testing::Test {
 protected:
  DeviceModuleTest() : before_(use_device_module(nullptr)) {}
  ~DeviceModuleTest() override {
    ::unsetenv("SINV_CUDA_MODULE");
    use_device_module(before_);
  }
  static void name_module(const std::string& path) { ::setenv("SINV_CUDA_MODULE", path.c_str(), 1); }
  // Why the module that this build made cannot be used here; empty: it can, or there is none.
  static std::string why_no_gpu() {
    try {
      choose_device("cuda");
    } catch (const UserError& error) {
      return error.what();
    }
    return "";
  }

 private:
  const DeviceModule* before_;
};

std::string said_by(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST_F(DeviceModuleTest, WithoutAModuleAnOperationSaysSo) {
  EXPECT_EQ(said_by([] { on_device(Device::kCuda, [](const auto& backend) { backend.packed_floats(1, 1); }); }),
            "device cuda: no device module is loaded; run with --device cpu");
}

TEST_F(DeviceModuleTest, AMissingFileIsOneSentence) {
  name_module("/no/such/module.so");
  const std::string sentence =
      "device cuda: this build has no CUDA module (/no/such/module.so is not there); build it with nvcc, or run with "
      "--device cpu";
  EXPECT_EQ(said_by([] { load_device_module(); }), sentence);
  EXPECT_EQ(said_by([] { choose_device("cuda"); }), sentence);
  EXPECT_EQ(describe_devices(), std::vector<std::string>{sentence});
}

TEST_F(DeviceModuleTest, AFileThatDoesNotOpenIsOneSentence) {
  TestFolder folder;
  const std::string path = (folder / "broken.so").string();
  write_file(path, std::string_view("not a library"));
  const std::string said = said_by([&] { load_device_module(path); });
  EXPECT_EQ(said.rfind("device cuda: " + path + ": ", 0), 0U) << said;
  EXPECT_NE(said.find("; install it, or run with --device cpu"), std::string::npos) << said;
}

TEST_F(DeviceModuleTest, AModuleOfAnotherBuildIsRefused) {
  const std::string sentence = text("device cuda: ", SINV_OTHER_MODULE,
                                    " belongs to another build of sinv_engine; build both again, or run with --device "
                                    "cpu");
  EXPECT_EQ(said_by([] { load_device_module(SINV_OTHER_MODULE); }), sentence);
  EXPECT_EQ(said_by([] { device_module(); }), "device cuda: no device module is loaded; run with --device cpu");
}

TEST_F(DeviceModuleTest, WordsThatNameNoDeviceAreRefusedWithTheKnownOnes) {
  for (const char* word : {"gpu", "cuda0", "cuda:", "cuda:x", "cuda:-1", ""}) {
    EXPECT_EQ(said_by([&] { choose_device(word); }),
              text("device \"", word, "\" is not known; known: auto, cpu, cuda, cuda:N"));
  }
}

TEST_F(DeviceModuleTest, PrecisionsHaveNames) {
  EXPECT_EQ(precision_named("float32"), Precision::kFloat32);
  EXPECT_EQ(precision_named("tf32"), Precision::kTf32);
  EXPECT_EQ(precision_named("bf16"), Precision::kBf16);
  EXPECT_EQ(said_by([] { precision_named("bf61"); }),
            "precision \"bf61\" is not known; known: float32, tf32, bf16; did you mean \"bf16\"?");
}

TEST_F(DeviceModuleTest, CpuAsksForNoModule) {
  name_module("/no/such/module.so");
  EXPECT_EQ(choose_device("cpu").device, Device::kCpu);
  EXPECT_EQ(choose_device("cpu").note, "device cpu");
}

TEST_F(DeviceModuleTest, AutoTakesTheCpuAndSaysWhy) {
  name_module("/no/such/module.so");
  const DeviceChoice choice = choose_device("auto");
  EXPECT_EQ(choice.device, Device::kCpu);
  EXPECT_EQ(choice.note, "device cpu (device cuda: this build has no CUDA module (/no/such/module.so is not there))");
}

TEST_F(DeviceModuleTest, HasEveryOperationAndService) {
  if (std::string(SINV_CUDA_MODULE_FILE).empty()) GTEST_SKIP() << "this build has no CUDA module (no nvcc)";
  const DeviceModule& module = load_device_module(SINV_CUDA_MODULE_FILE);
#define SINV_EXPECT_OP(name) EXPECT_NE(module.ops.name, nullptr) << #name;
  SINV_DEVICE_OPS(SINV_EXPECT_OP)
  SINV_WORLD_OPS(SINV_EXPECT_OP)
  SINV_REPLAY_OPS(SINV_EXPECT_OP)
#undef SINV_EXPECT_OP
  // Every service is a pointer, so the table is an array of them.
  const auto* services = reinterpret_cast<void* const*>(&module.services);
  for (std::size_t i = 0; i < sizeof(DeviceServices) / sizeof(void*); ++i) EXPECT_NE(services[i], nullptr) << i;
}

// Sizes are asked for when a tape is recorded, before anything runs.
TEST_F(DeviceModuleTest, AnswersQuestionsWithoutAGpu) {
  if (std::string(SINV_CUDA_MODULE_FILE).empty()) GTEST_SKIP() << "this build has no CUDA module (no nvcc)";
  load_device_module(SINV_CUDA_MODULE_FILE);
  EXPECT_EQ(packed_floats(Device::kCuda, 3, 5), 15U);
  const ConvShape shape{84, 84, 4, 32, 8, 4, 0};
  EXPECT_EQ(conv_packed_floats(Device::kCuda, shape), 8U * 8 * 4 * 32);
  EXPECT_GT(conv_packed_backward_floats(Device::kCuda, shape), 0U) << "0 says that no gradient to x is wanted";
  const DeconvShape decoder{5, 5, 128, 64, 5, 2};
  EXPECT_EQ(deconv_packed_floats(Device::kCuda, decoder), 5U * 5 * 64 * 128);
  EXPECT_GT(deconv_packed_backward_floats(Device::kCuda, decoder), 0U);
  EXPECT_EQ(deconv_scratch_floats(Device::kCuda, decoder, 50), 0U);
}

TEST_F(DeviceModuleTest, OnAMachineWithoutADriverTheModuleOpensAndSaysSo) {
  if (std::string(SINV_CUDA_MODULE_FILE).empty()) GTEST_SKIP() << "this build has no CUDA module (no nvcc)";
  name_module(SINV_CUDA_MODULE_FILE);
  EXPECT_EQ(said_by([] { load_device_module(); }), "");
  if (device_module().services.versions().driver != 0) GTEST_SKIP() << "this machine has an NVIDIA driver";
  EXPECT_EQ(why_no_gpu(), "device cuda: this machine has no NVIDIA driver; run with --device cpu");
  EXPECT_EQ(choose_device("auto").note, "device cpu (device cuda: this machine has no NVIDIA driver)");
  const std::vector<std::string> lines = describe_devices();
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(lines[0].rfind("CUDA 13.", 0), 0U) << lines[0];
  EXPECT_NE(lines[0].find(", driver none, cuBLAS 13."), std::string::npos) << lines[0];
  EXPECT_NE(lines[0].find(", cuDNN 9."), std::string::npos) << lines[0];
}

}  // namespace
}  // namespace sinv
