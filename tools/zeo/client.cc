#include "zeo/client.h"

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/error.h"
#include "base/text.h"
#include "zeo/nonsense.h"
#include "zeo/server_error.h"

namespace zeo {
namespace {

using base::Error;
using base::ErrorKind;

constexpr std::size_t kReadSize = 1 << 16;
constexpr std::int64_t kKeepAliveMs = 30'000;  // ZEO's own clients: 30 seconds in 3.10, 60 since ZEO 5
constexpr std::int64_t kTickMs = 1'000;

[[noreturn]] void hung_up() {
  throw Error(ErrorKind::io, "", "", "the server closed the connection");
}

// A server that was killed may leave a reset or a broken pipe as well as an orderly end.
template <typename Call>
auto unless_gone(Call call) {
  try {
    return call();
  } catch (const Error& error) {
    if (error.sys_errno() == ECONNRESET || error.sys_errno() == EPIPE) hung_up();
    throw;
  }
}

// What is thrown deep inside knows neither what was asked nor of whom: this boundary adds it.
template <typename Act>
auto in_context(const std::string& operation, const std::string& address, Act act) {
  try {
    return act();
  } catch (const Error& error) {
    throw Error(error.kind(), operation, address, error.reason()).with_hint(error.hint());
  }
}

StorageInfo info_in(const Values& values, ValueId id) {
  const Value& mapping = values.at(id);
  const Value* name = values.find(mapping, "name");
  const bool has_name = name != nullptr && name->kind == ValueKind::text;
  return {values.find_count(mapping, "size"), values.find_count(mapping, "length"),
          has_name ? name->text : ""};
}

}  // namespace

Client::Client(Network& network, const Address& address, std::int64_t timeout_ms)
    : network_(network), address_(to_string(address)), timeout_ms_(timeout_ms) {
  in_context("connect to", address_, [&] {
    const Deadline deadline = soon();
    connection_ = network_.connect(address, deadline);
  });
  in_context("speak with", address_, [&] {
    shake_hands();
    if (protocol_.is_old) refuse_password();
  });
}

std::string Client::storage_at(const std::string& verb) const {
  return verb + " storage " + storage_ + " at";
}

void Client::shake_hands() {
  const Deadline deadline = soon();
  std::array<std::byte, kReadSize> buffer;
  std::array<std::byte, 4> first;
  std::size_t known = 0;  // of `first`
  std::optional<Frame> frame;
  while (!frame) {
    const base::ByteSpan came = read(deadline, buffer);
    if (came.empty()) {
      throw Error(ErrorKind::io, "", "",
                  "no word from the server within " +
                      base::human_duration(std::max<std::int64_t>(timeout_ms_ / 1000, 1)))
          .with_hint(
              "it may be overloaded, or no ZEO server; one that expects TLS is as silent, and is not "
              "supported");
    }
    const std::size_t wanted = std::min(came.size(), first.size() - known);
    std::copy_n(came.begin(), wanted, first.begin() + static_cast<std::ptrdiff_t>(known));
    known += wanted;
    if (wanted > 0 && known == first.size()) check_greeting(first);
    frames_.feed(came);
    frame = frames_.next(kLongestGreeting);
  }
  protocol_ = choose_protocol(base::as_text(frame->body));
  next_id_ = protocol_.is_old ? 0 : 1;
  send(base::as_bytes(protocol_.name), deadline);
}

// Without this a server that wants one would refuse `register` in words that say less.
void Client::refuse_password() {
  const Message reply = call("getAuthProtocol", {}, {soon()});
  const Value& name = reply.values.at(reply.content);
  if (name.kind == ValueKind::none) return;
  throw Error(
      ErrorKind::unsupported, "", "",
      "the server wants a password (authentication protocol " + describe(reply.values, reply.content) + ")")
      .with_hint(
          "there is no way to give one; take authentication-protocol out of its configuration to pack");
}

void Client::open_storage(const std::string& name) {
  storage_ = base::quoted(name);
  in_context(storage_at("open"), address_, [&] { call("register", {name, std::int64_t{1}}, {soon()}); });
}

StorageInfo Client::info() {
  return in_context(storage_at("ask about"), address_, [&] {
    const Message reply = call("get_info", {}, {soon()});
    return info_in(reply.values, reply.content);
  });
}

void Client::pack(double time, Deadline deadline, const std::function<void(const StorageInfo&)>& on_info,
                  const std::function<void()>& on_wait) {
  in_context(storage_at("pack"), address_, [&] {
    Waiting waiting = {deadline};
    if (on_info) waiting.on_info = &on_info;
    if (on_wait) waiting.on_wait = &on_wait;
    waiting.if_broken = "it may have been packed or not, as the server's log tells; its database is whole";
    const Message reply = call("pack", {time, true}, waiting);
    if (reply.values.at(reply.content).kind != ValueKind::none)
      nonsense("it answered " + describe(reply.values, reply.content) +
               ", where a pack is answered with nothing");
  });
}

Message Client::call(const std::string& method, const std::vector<Argument>& arguments,
                     const Waiting& waiting) {
  const std::int64_t id = next_id_++;
  send(encode_request(protocol_.encoding, id, method, arguments), std::min(waiting.deadline, soon()));
  for (;;) {
    if (std::optional<Message> reply = take_reply(id, waiting)) {
      if (const auto error = error_in(*reply)) throw *error;
      return std::move(*reply);
    }
    try {
      receive(waiting);
    } catch (Error& error) {
      throw error.hint().empty() ? error.with_hint(waiting.if_broken) : error;
    }
  }
}

// From the messages that have come whole; passes over those that are not the reply.
std::optional<Message> Client::take_reply(std::int64_t id, const Waiting& waiting) {
  while (const std::optional<Frame> frame = frames_.next()) {
    if (std::optional<Message> reply = understand(*frame, id, waiting)) return reply;
  }
  return std::nullopt;
}

std::optional<Message> Client::understand(const Frame& frame, std::int64_t id, const Waiting& waiting) {
  const MessageHead head = decode_head(protocol_.encoding, frame.body);
  const bool is_reply = head.is_reply() && head.id == id;
  const bool is_info = head.method == "info" && waiting.on_info != nullptr;
  if (!is_reply && !is_info) return std::nullopt;  // invalidations and keep-alives
  if (!frame.is_whole()) nonsense("an answer of " + std::to_string(frame.length) + " bytes");
  Message message = decode(protocol_.encoding, frame.body);
  if (is_reply) return message;
  const Value& arguments = message.values.at(message.content);
  if (arguments.kind == ValueKind::sequence && !arguments.items.empty())
    (*waiting.on_info)(info_in(message.values, arguments.items.front()));
  return std::nullopt;
}

// Waits for the next bytes, and meanwhile does what has to be done now and then.
void Client::receive(const Waiting& waiting) {
  std::array<std::byte, kReadSize> buffer;
  for (;;) {
    const std::int64_t now = network_.now_ms();
    if (now >= waiting.deadline) throw Error(ErrorKind::io, "", "", "no answer from the server in time");
    if (now - last_sent_ms_ >= kKeepAliveMs) send(encode_keep_alive(protocol_.encoding), soon());
    if (waiting.on_wait != nullptr) (*waiting.on_wait)();
    const Deadline tick = now + (waiting.on_wait != nullptr ? kTickMs : kKeepAliveMs);
    const base::ByteSpan came = read(std::min(waiting.deadline, tick), buffer);
    if (!came.empty()) return frames_.feed(came);
  }
}

base::ByteSpan Client::read(Deadline until, std::span<std::byte> buffer) {
  const auto count = unless_gone([&] { return connection_->read_some(buffer, until); });
  if (!count) return {};
  if (*count == 0) hung_up();
  return buffer.first(*count);
}

void Client::send(base::ByteSpan message, Deadline deadline) {
  const std::vector<std::byte> bytes = framed(message);
  base::ByteSpan rest = bytes;
  while (!rest.empty()) {
    const auto count = unless_gone([&] { return connection_->write_some(rest, deadline); });
    if (!count) throw Error(ErrorKind::io, "", "", "the server does not take what is sent to it");
    rest = rest.subspan(*count);
  }
  last_sent_ms_ = network_.now_ms();
}

}  // namespace zeo
