// repozo with a clock of its own, so that it can be compared with the real one to the byte:
//   repozo_at 2013-02-07T03:15:00Z WORD...
#include <unistd.h>

#include <cstdlib>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "io/posix_env.h"
#include "repozo/program.h"

namespace {

// The real system, but for the time of day, which moves only when somebody sleeps.
class ClockEnv : public io::Env {
 public:
  explicit ClockEnv(base::UtcTime now) : inner_(io::make_posix_env()), now_(now) {}

  std::unique_ptr<io::Dir> open_dir(const std::string& path, io::Links links) override {
    return inner_->open_dir(path, links);
  }
  base::UtcTime now() override { return now_; }
  std::uint64_t random() override { return inner_->random(); }
  void sleep_ms(unsigned milliseconds) override {
    const std::int64_t nanoseconds = now_.nanoseconds + std::int64_t{milliseconds} * 1'000'000;
    now_.seconds += nanoseconds / 1'000'000'000;
    now_.nanoseconds = static_cast<std::int32_t>(nanoseconds % 1'000'000'000);
  }
  io::RunResult run(const std::vector<std::string>& argv, unsigned timeout_s) override {
    return inner_->run(argv, timeout_s);
  }
  std::int64_t process_id() override { return inner_->process_id(); }

 private:
  std::unique_ptr<io::Env> inner_;
  base::UtcTime now_;
};

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  const auto now = words.empty() ? std::nullopt : base::from_iso(words[0]);
  const std::unique_ptr<char, void (*)(void*)> folder(::getcwd(nullptr, 0), std::free);
  if (!now || !folder) {
    std::cerr << "usage: repozo_at TIME WORD...\n";
    return 2;
  }
  ClockEnv env(*now);
  const int status =
      repozo::run_program(env, folder.get(), {words.begin() + 1, words.end()}, std::cout, std::cerr);
  std::cout.flush();
  return std::cout ? status : 1;
}
