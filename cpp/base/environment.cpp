// The list behind take_environment_warnings.
#include "base/environment.h"

#include <mutex>
#include <utility>

namespace gradgate {
namespace {

struct Warnings {
  std::mutex mutex;
  std::vector<std::string> messages;
};

Warnings& warnings() {
  static Warnings instance;
  return instance;
}

}  // namespace

void add_environment_warning(std::string message) {
  const std::lock_guard lock(warnings().mutex);
  warnings().messages.push_back(std::move(message));
}

std::vector<std::string> take_environment_warnings() {
  const std::lock_guard lock(warnings().mutex);
  return std::exchange(warnings().messages, {});
}

}  // namespace gradgate
