// The errors of the core, with the operation, shapes and values in their messages.
//
// RuntimeError, ValueError and IndexError are the standard library's classes under the names they have in Python.
#pragma once

#include <memory>
#include <new>
#include <sstream>
#include <stdexcept>
#include <string>

namespace gradgate {

using RuntimeError = std::runtime_error;
using ValueError = std::invalid_argument;
using IndexError = std::out_of_range;

struct TypeError : std::logic_error {
  using std::logic_error::logic_error;
};

class MemoryError : public std::bad_alloc {
 public:
  explicit MemoryError(std::string message) : message_(std::make_shared<std::string>(std::move(message))) {}
  const char* what() const noexcept override { return message_->c_str(); }

 private:
  std::shared_ptr<std::string> message_;  // so that copies cannot throw
};

// The arguments written one after another.
template <class... Parts>
std::string cat(const Parts&... parts) {
  std::ostringstream out;
  (out << ... << parts);
  return out.str();
}

template <class Error, class... Parts>
[[noreturn]] void fail(const Parts&... parts) {
  throw Error(cat(parts...));
}

}  // namespace gradgate
