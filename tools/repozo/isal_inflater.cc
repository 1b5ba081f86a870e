#include "repozo/isal_inflater.h"

#ifdef DBTOOLS_HAVE_ISAL

#include <isa-l/igzip_lib.h>

#include <algorithm>
#include <limits>

namespace repozo {

namespace {

class IsalInflater : public io::MemberInflater {
 public:
  void begin() override {
    ::isal_inflate_init(&state_);
    state_.crc_flag = ISAL_GZIP;
    seen_ = 0;
  }

  Step step(base::ByteSpan& input, std::span<std::byte> output, std::size_t& filled) override {
    for (std::size_t at = 0; seen_ < kFlags + 1 && at < input.size(); ++at, ++seen_) {
      if (seen_ == kFlags && (input[at] & kReserved) != std::byte{0}) return Step::damaged;
    }
    // ISA-L reads only; its interface is in C of before const.
    state_.next_in = const_cast<std::uint8_t*>(reinterpret_cast<const std::uint8_t*>(input.data()));
    state_.avail_in = static_cast<std::uint32_t>(std::min<std::size_t>(input.size(), kMost));
    state_.next_out = reinterpret_cast<std::uint8_t*>(output.data());
    state_.avail_out = static_cast<std::uint32_t>(std::min<std::size_t>(output.size(), kMost));
    const std::size_t given = state_.avail_in, room = state_.avail_out;
    const int result = ::isal_inflate(&state_);
    // Of some damaged data it says that more is left of the input than there was.
    if (result != ISAL_DECOMP_OK || state_.avail_in > given || state_.avail_out > room) return Step::damaged;
    input = input.subspan(given - state_.avail_in);
    filled = room - state_.avail_out;
    return state_.block_state == ISAL_BLOCK_FINISH ? Step::end : Step::more;
  }

 private:
  static constexpr std::size_t kMost = std::numeric_limits<std::uint32_t>::max();
  // In the header of a member. ISA-L does not mind flags that mean nothing, which gzip has to refuse.
  static constexpr std::size_t kFlags = 3;
  static constexpr std::byte kReserved{0xe0};

  inflate_state state_;
  std::size_t seen_ = 0;  // bytes of the header, up to the flags
};

}  // namespace

std::unique_ptr<io::MemberInflater> make_isal_inflater() {
  return std::make_unique<IsalInflater>();
}

}  // namespace repozo

#else

namespace repozo {

std::unique_ptr<io::MemberInflater> make_isal_inflater() {
  return nullptr;
}

}  // namespace repozo

#endif
