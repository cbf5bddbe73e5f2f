// Whether a file may become part of this process: nobody but root and us can have written it, or can put another one in its place.
// And pins: whether it is the very file that somebody looked at.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <string_view>

namespace postbus::detail {

// Refuses, with error::bad_plugin and the command that mends it, a file that somebody else may write or replace. Everything on the way
// from the root to it is looked at, symbolic links on the way too: each is owned by root or by us, and writable by no one else. A
// directory may be, when it is sticky and what we want in it is root's or ours; a group may, when nobody else is in it.
// Cost: a few system calls for each directory; a look at all users where a group may write.
void check_trust(const std::filesystem::path& file);

// Whether somebody other than root and us is in the group, by its list of members or as his own one. True as well when that cannot be
// found out.
bool has_other_members(gid_t group);

// Refuses, with error::bad_plugin and both digests, a file whose SHA-256 is not `digest`, 64 hex digits. `whose`: "transport.sha256
// (fleet.toml:3:1)".
void check_pin(const std::filesystem::path& file, std::string_view digest, const std::string& whose);

}  // namespace postbus::detail
