// CHECK: the assertions of the C++ test programs, and the exit status that reports them.
#pragma once

#include <cstdio>
#include <string>

namespace gradgate {

inline int failed_checks = 0;

inline void check(bool passed, const char* file, int line, const std::string& what) {
  if (passed) return;
  // A broken kernel fails everywhere: the first twenty say enough.
  if (++failed_checks <= 20) std::fprintf(stderr, "%s:%d: %s\n", file, line, what.c_str());
}

// To be returned from main.
inline int test_status(const char* name) {
  if (failed_checks)
    std::fprintf(stderr, "%s: %d checks failed\n", name, failed_checks);
  else
    std::printf("%s: passed\n", name);
  return failed_checks ? 1 : 0;
}

}  // namespace gradgate

#define CHECK(condition) ::gradgate::check((condition), __FILE__, __LINE__, #condition)
#define CHECK_MESSAGE(condition, message) ::gradgate::check((condition), __FILE__, __LINE__, (message))
// Passes when the expression throws Error with `part` in its message.
#define CHECK_THROWS(expression, Error, part)                                                     \
  do {                                                                                            \
    std::string thrown = "nothing";                                                               \
    bool right = false;                                                                           \
    try {                                                                                         \
      (void)(expression);                                                                         \
    } catch (const Error& error) {                                                                \
      thrown = error.what();                                                                      \
      right = thrown.find(part) != std::string::npos;                                             \
    }                                                                                             \
    ::gradgate::check(right, __FILE__, __LINE__, std::string(#expression) + " threw " + thrown); \
  } while (false)
