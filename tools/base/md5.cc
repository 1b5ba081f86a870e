#include "base/md5.h"

#include <openssl/evp.h>

#include <array>
#include <new>
#include <utility>

#include "base/error.h"

namespace base {

namespace {

struct FreeAlgorithm {
  void operator()(EVP_MD* algorithm) const { EVP_MD_free(algorithm); }
};
struct FreeContext {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
using Algorithm = std::unique_ptr<EVP_MD, FreeAlgorithm>;
using Context = std::unique_ptr<EVP_MD_CTX, FreeContext>;

void demand(int result) {
  if (result != 1) throw Error(ErrorKind::unsupported, "compute", "MD5", "OpenSSL refuses");
}

Context make_context() {
  Context context(EVP_MD_CTX_new());
  if (!context) throw std::bad_alloc();
  return context;
}

}  // namespace

struct Md5::State {
  Algorithm algorithm;
  Context context;
};

Md5::Md5() : state_(std::make_unique<State>()) {
  // A machine in FIPS mode refuses MD5 unless it is asked for outside of that; here it guards no secret.
  state_->algorithm.reset(EVP_MD_fetch(nullptr, "MD5", "fips=no"));
  state_->context = make_context();
  demand(EVP_DigestInit_ex2(state_->context.get(), state_->algorithm.get(), nullptr));
}
Md5::~Md5() = default;
Md5::Md5(Md5&&) noexcept = default;
Md5& Md5::operator=(Md5&&) noexcept = default;

void Md5::update(ByteSpan bytes) {
  demand(EVP_DigestUpdate(state_->context.get(), bytes.data(), bytes.size()));
}

std::string Md5::hex() const {
  const Context copy = make_context();
  demand(EVP_MD_CTX_copy_ex(copy.get(), state_->context.get()));
  std::array<unsigned char, EVP_MAX_MD_SIZE> sum;
  unsigned length = 0;
  demand(EVP_DigestFinal_ex(copy.get(), sum.data(), &length));
  return to_hex(std::as_bytes(std::span(sum)).first(length));
}

}  // namespace base
