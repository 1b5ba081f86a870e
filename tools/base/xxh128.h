// XXH3, 128 bits (libxxhash): the digest that fingerprints a database. It finds bit rot and mix-ups at memory
// speed; it is no defence against somebody who forges a file on purpose.
#pragma once

#include <memory>
#include <string>

#include "base/bytes.h"

namespace base {

class Xxh128 {
 public:
  Xxh128();
  ~Xxh128();
  Xxh128(Xxh128&&) noexcept;
  Xxh128& operator=(Xxh128&&) noexcept;

  void update(ByteSpan bytes);
  // 32 hex digits (canonical, big-endian form) of everything given so far; may be called repeatedly.
  std::string hex() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace base
