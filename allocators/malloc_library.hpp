// What:  says whether a file is a shared library that can stand in for malloc in a process like
//        ours.
// Why:   ld.so only warns about a preload that it cannot load, and takes one without a malloc
//        without a word; the numbers would be glibc's under another name. Asked before anything is
//        measured.
// How:   reads the ELF file as ld.so would: program headers, dynamic section, hash table, symbols.
//        Every offset is checked against the file's size, so that no file can crash us.
// Cost:  some ten microseconds; maps the file, allocates only for the answer. Thread-safe.
// Source: System V ABI, chapters 4 and 5; the GNU hash table as in glibc's elf/dl-lookup.c.
#pragma once

#include <string>

namespace churn::allocators {

// Empty if it is one. Else the end of a sentence that begins with the path: "is not an ELF file".
std::string why_no_malloc_library(std::string const& path);

}  // namespace churn::allocators
