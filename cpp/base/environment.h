// Complaints about environment variables, kept until the bindings can show them as warnings.
#pragma once

#include <string>
#include <vector>

namespace gradgate {

// Remembers a message about a variable whose value cannot be used; the library goes on with its default.
void add_environment_warning(std::string message);

// The messages since the last call, oldest first. The variables are read at first use, so call this after
// get_num_threads() and active_isa().
std::vector<std::string> take_environment_warnings();

}  // namespace gradgate
