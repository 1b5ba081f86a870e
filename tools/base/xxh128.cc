#include "base/xxh128.h"

#include <xxhash.h>

#include <new>

namespace base {

struct Xxh128::State {
  XXH3_state_t* raw = XXH3_createState();
  State() {
    if (raw == nullptr) throw std::bad_alloc();
    XXH3_128bits_reset(raw);
  }
  ~State() { XXH3_freeState(raw); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;
};

Xxh128::Xxh128() : state_(std::make_unique<State>()) {}
Xxh128::~Xxh128() = default;
Xxh128::Xxh128(Xxh128&&) noexcept = default;
Xxh128& Xxh128::operator=(Xxh128&&) noexcept = default;

void Xxh128::update(ByteSpan bytes) {
  XXH3_128bits_update(state_->raw, bytes.data(), bytes.size());
}

std::string Xxh128::hex() const {
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(state_->raw));
  return to_hex(std::as_bytes(std::span(canonical.digest)));
}

}  // namespace base
