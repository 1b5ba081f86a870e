// Runs a fuzz target over files: replay FILE-OR-FOLDER... Each input is also cut short at a few places and
// changed at a few, always the same ones. Whatever is wrong ends the program, by an exception or a sanitizer.
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

constexpr std::size_t kVariants = 48;

void run(const std::vector<std::uint8_t>& input) {
  LLVMFuzzerTestOneInput(input.data(), input.size());
}

void run_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::vector<std::uint8_t> input((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  run(input);
  std::uint64_t state = input.size();
  for (std::size_t i = 0; i < kVariants && !input.empty(); ++i) {
    state = state * 6364136223846793005 + 1442695040888963407;
    const std::size_t at = static_cast<std::size_t>(state >> 33) % input.size();
    std::vector<std::uint8_t> changed = input;
    changed[at] = static_cast<std::uint8_t>(state >> 24);
    run(changed);
    changed = input;
    changed.resize(at);
    run(changed);
  }
}

}  // namespace

int main(int argc, char** argv) {
  std::size_t files = 0;
  for (int i = 1; i < argc; ++i) {
    if (!std::filesystem::is_directory(argv[i])) {
      run_file(argv[i]);
      ++files;
      continue;
    }
    for (const auto& entry : std::filesystem::directory_iterator(argv[i])) {
      run_file(entry.path());
      ++files;
    }
  }
  std::printf("%zu inputs, each with %zu variants\n", files, 2 * kVariants);
  return files == 0 ? 2 : 0;  // a corpus that was not found tests nothing
}
