// The test framework, whichever version is installed: Catch2 3 has many headers, Debian's 2.13 one.
// Tests use only what both know: TEST_CASE, SECTION, CHECK, REQUIRE, INFO, CAPTURE.
#pragma once

#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
#else
#include <catch2/catch.hpp>
#endif
