// MD5 (OpenSSL): the sum that repozo writes beside each backup. It finds damage; it is no defence against
// somebody who forges a file on purpose.
#pragma once

#include <memory>
#include <string>

#include "base/bytes.h"

namespace base {

class Md5 {
 public:
  Md5();
  ~Md5();
  Md5(Md5&&) noexcept;
  Md5& operator=(Md5&&) noexcept;

  void update(ByteSpan bytes);
  // 32 lower-case hex digits of everything given so far; may be called repeatedly.
  std::string hex() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace base
